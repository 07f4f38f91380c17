/** How the owner looks after his data: real programs, a real state folder, beside a gateway that runs and without one. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { until } from '../doubles/until.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-data-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const env = cleanEnvironment(folder)
  return { folder, env, state: join(folder, 'state'), cara: (...args: readonly string[]) => runProgram(args, env).ended }
}

test('cara db checks and describes the database beside a gateway that runs, and says with its exit code whether it is sound', async (t) => {
  const { env, state, cara } = setUp(t)
  const none = await cara('db', 'check')
  assert.deepEqual([none.code, /there is none yet/.test(none.err)], [1, true])
  const running = startProgram(env)
  await running.ready()
  const sound = await cara('db', 'check')
  assert.equal(sound.code, 0, sound.err)
  assert.match(sound.out, /^sound: SQLite, \d+ kB, schema \d+, texts plain\n$/)
  const info = await cara('db', 'info')
  assert.match(info.out, /^usage +0 +retention\.usageDays: 400 days$/m)
  assert.match(info.out, /^sessions +0 +retention\.conversationDays: for good$/m)
  assert.match((await cara('db', 'prune')).out, /^nothing was old enough\n$/)
  await running.kill()
  const database = openSqlite({ path: join(state, 'carapace.db'), synchronous: 'full' })
  await database.commit([{ sql: `INSERT INTO turns (id, begun, finished, request, accepted_at) VALUES ('turn_1', 1, 1, '{}', 1)`, params: [] }])
  await database.close()
  const wrong = await cara('db', 'check', '--json')
  const found = z.object({ sound: z.boolean(), problems: z.array(z.string()) }).parse(JSON.parse(wrong.out))
  assert.deepEqual([wrong.code, found.sound, found.problems], [1, false, ['a turn ended without a result: turn_1']])
  assert.match((await cara('db', 'prune')).out, /^turns: 1\n$/)
  assert.equal((await cara('db', 'check')).code, 0)
})

test('cara backup works beside a gateway that answers all the time, and cara restore refuses beside one and brings all of it back', async (t) => {
  const { folder, env, state, cara } = setUp(t)
  const running = startProgram(env)
  await running.ready()
  const client = await running.connect()
  let sent = 0
  const over = new AbortController()
  const talking = (async () => {
    while (!over.signal.aborted) {
      await client.call('chat.send', { message: `message ${++sent}`, sessionKey: `chat-${sent % 3}`, idempotencyKey: `key ${sent}`, wait: true })
    }
  })()
  const file = join(folder, 'all.backup')
  const made = await cara('backup', '-o', file, '--keys', 'with')
  over.abort()
  await talking
  await client.close()
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /^written: .*all\.backup \(\d+ kB, readable by you alone\)\nholds: the database \(schema \d+\)\n/)
  assert.match(made.out, /^does not hold: logs$/m)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal((await cara('backup', '-o', file)).code, 1)

  const beside = await cara('restore', file, '--force')
  assert.deepEqual([beside.code, /Another gateway uses this state folder/.test(beside.err)], [1, true])
  const dry = await cara('restore', file, '--dry-run')
  assert.equal(dry.code, 0, dry.err)
  assert.match(dry.out, /^database\/carapace\.db +\d+$/m)
  assert.match(dry.out, /nothing was changed$/m)
  await running.kill()

  const unasked = await cara('restore', file)
  assert.deepEqual([unasked.code, /has data of its own/.test(unasked.err)], [1, true])
  rmSync(state, { recursive: true })
  const restored = await cara('restore', file)
  assert.equal(restored.code, 0, restored.err)
  assert.match(restored.out, /^restored: a backup of .* UTC, by carapace \d/m)
  assert.match((await cara('db', 'check')).out, /^sound: /)
  // The trail goes on where it was, and its head and lines belong together.
  const again = startProgram(env)
  await again.ready()
  assert.match((await cara('audit', 'verify')).out, /^sound: /m)
  const receipts = (await cara('audit', 'show', '--kind', 'restored', '--json')).out.trim().split('\n')
  assert.equal(receipts.length, 1)
  await again.kill()
  assert.ok(sent > 1)
})

test('a sealed backup takes its password from the environment or a line of input, and never without twelve characters', async (t) => {
  const { folder, env, cara } = setUp(t)
  const running = startProgram(env)
  await running.ready()
  await running.kill()
  const file = join(folder, 'sealed.backup')
  const withPassword = (password: string, ...args: readonly string[]) => runProgram(args, { ...env, CARAPACE_BACKUP_PASSWORD: password }).ended
  assert.equal((await withPassword('short', 'backup', '--encrypt', '-o', file)).code, 2)
  const made = await withPassword('correct horse battery', 'backup', '--encrypt', '-o', file, '--json')
  assert.equal(made.code, 0, made.err)
  const report = z.object({ sealed: z.boolean(), holds: z.array(z.string()), lacks: z.array(z.string()) }).parse(JSON.parse(made.out))
  assert.deepEqual([report.sealed, report.holds.includes('the keys, which open all that is sealed')], [true, true])
  assert.match((await withPassword('another horse battery', 'restore', file, '--dry-run')).err, /the password is another one, or it was changed/)
  assert.equal((await withPassword('correct horse battery', 'restore', file, '--dry-run')).code, 0)
  // Nobody asks where there is neither.
  assert.equal((await cara('restore', file, '--dry-run')).code, 1)
})

test('cara data takes a conversation along, shows what would go, and erases it with a receipt that says nothing of it', async (t) => {
  const { folder, env, state, cara } = setUp(t)
  const running = startProgram(env)
  await running.ready()
  const client = await running.connect()
  for (const sessionKey of ['mine', 'theirs'])
    await client.call('chat.send', { message: `the Zwiebelkuchen of ${sessionKey}`, sessionKey, idempotencyKey: `key ${sessionKey}`, wait: true })
  for (const sessionKey of ['mine', 'theirs']) {
    await client.call('task.create', { prompt: `bake the Zwiebelkuchen of ${sessionKey}`, sessionKey })
    await client.call('cron.add', { name: sessionKey, schedule: { every: '1d' }, prompt: `eat the Nusstorte of ${sessionKey}`, sessionKey })
    await client.call('cron.run', { name: sessionKey })
  }
  const runs = z.object({ runs: z.array(z.object({ status: z.string() })) })
  const tasks = z.object({ tasks: z.array(z.object({ state: z.string() })) })
  await until(async () => tasks.parse(await client.call('task.list')).tasks.every(({ state: now }) => now === 'done'))
  await until(async () => runs.parse(await client.call('cron.runs')).runs.every(({ status }) => status === 'ok'))
  const facts = z.object({ rows: z.record(z.string(), z.number()) }).parse(await client.call('data.show', { key: 'mine' }))
  assert.deepEqual([facts.rows['lines'], facts.rows['turns'], facts.rows['tasks']], [6, 3, 1])
  const page = z
    .object({ rows: z.array(z.looseObject({ model: z.string() })), next: z.null() })
    .parse(await client.call('data.export', { key: 'mine', kind: 'usage' }))
  assert.equal(page.rows.length, 3)
  await client.close()
  const file = join(folder, 'mine.jsonl')
  const taken = await cara('data', 'export', 'mine', '-o', file)
  assert.equal(taken.code, 0, taken.err)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => z.looseObject({ kind: z.string().optional(), session: z.object({ key: z.string() }).optional() }).parse(JSON.parse(line)))
  assert.equal(lines[0]?.session?.key, 'mine')
  const kinds = lines.flatMap(({ kind }) => (kind === undefined ? [] : [kind]))
  assert.deepEqual(
    ['turns', 'usage', 'tasks', 'jobs', 'job_runs'].map((kind) => kinds.filter((each) => each === kind).length),
    [3, 3, 1, 1, 1],
  )
  assert.match(readFileSync(file, 'utf8'), /bake the Zwiebelkuchen of mine/)
  assert.match(readFileSync(file, 'utf8'), /eat the Nusstorte of mine/)
  assert.match(readFileSync(file, 'utf8'), /the Zwiebelkuchen of mine/)
  assert.doesNotMatch(readFileSync(file, 'utf8'), /of theirs/)

  const shown = await cara('data', 'erase', 'mine')
  assert.match(shown.out, /^turns +3$/m)
  assert.match(shown.out, /^tasks +1$/m)
  assert.match(shown.out, /nothing was erased: --yes does it\n$/)
  assert.equal((await cara('sessions', 'show', 'mine')).code, 0)
  const erased = await cara('data', 'erase', 'mine', '--yes', '--json')
  assert.equal(erased.code, 0, erased.err)
  assert.equal(z.object({ erased: z.boolean() }).parse(JSON.parse(erased.out)).erased, true)
  assert.equal((await cara('sessions', 'show', 'mine')).code, 1)
  assert.equal((await cara('data', 'erase', 'mine', '--yes')).code, 1)
  assert.match((await cara('sessions', 'show', 'theirs')).out, /the Zwiebelkuchen of theirs/)
  assert.match((await cara('task', 'list')).out, /of theirs/)
  await running.kill()
  const everything = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(state, path)).isFile())
  assert.ok(everything.length > 4)
  for (const path of everything) assert.ok(!readFileSync(join(state, path)).includes('Zwiebelkuchen of mine'), path)
  const receipts = (await cara('audit', 'show', '--kind', 'conversation-erased')).out
  assert.match(receipts, /conversation-erased by=owner session=ses_\w+\n$/)
  assert.doesNotMatch(receipts, /mine/)
  assert.equal((await cara('db', 'check')).code, 0)
})
