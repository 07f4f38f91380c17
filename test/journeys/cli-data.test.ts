/** How the owner looks after his data: real programs, a real state folder, beside a gateway that runs and without one. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { openSqlite } from '../../src/store/sqlite-database.ts'
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
