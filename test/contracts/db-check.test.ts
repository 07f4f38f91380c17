/** What `cara db check` finds: each law broken once, a text that was changed, a copy that is gone. And what it says while all is well. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { SqlValue } from '../../src/contracts/store.ts'
import { laws } from '../../src/store/check-invariants.ts'
import { inspectStore, type Inspection } from '../../src/store/inspect-store.ts'
import { openStore } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { outsideTools } from '../doubles/outside-tools.ts'
import { taskBookOver } from '../doubles/task-book.ts'
import { testGateway } from '../doubles/test-gateway.ts'

const KEY = Buffer.alloc(32, 7)
const root = mkdtempSync(join(tmpdir(), 'carapace-check-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** For each law, what breaks it. */
const BREAKS: Readonly<Record<string, string>> = {
  'a turn ended without a result': 'UPDATE turns SET result = NULL',
  'a turn has a result and has not ended': 'UPDATE turns SET finished = 0',
  'a line belongs to no conversation and no turn': `UPDATE entries SET session_id = NULL, turn_id = 'turn_gone' WHERE kind = 'intent'`,
  'a line belongs to a conversation that is gone': `UPDATE entries SET session_id = 'ses_gone', turn_id = 'turn_gone' WHERE kind = 'intent'`,
  'a line and its turn belong to different conversations': `UPDATE entries SET session_id = NULL WHERE kind = 'intent'`,
  'a conversation counts other messages than it has': 'UPDATE sessions SET message_count = message_count + 1',
  'a summary covers something and says nothing': 'UPDATE sessions SET summary_until = 1',
  'a question waits and its turn does not': `UPDATE approvals SET status = 'pending', decided_at = NULL`,
  'a question was decided at no time': 'UPDATE approvals SET decided_at = NULL',
  'a question was answered and the answer is not there': 'UPDATE approvals SET decision = NULL',
  'a question belongs to a conversation that is gone': `UPDATE approvals SET session_id = 'ses_gone'`,
  'a standing word belongs to a conversation that is gone': `UPDATE grants SET session_id = 'ses_gone'`,
  'a message waits and has no text': 'UPDATE outbox SET text = NULL',
  'a message ended and its text is still there': `UPDATE outbox SET text = 'x' WHERE status = 'sent'`,
  'a message ended at no time': 'UPDATE outbox SET settled_at = NULL',
  'a task ended at no time': 'UPDATE tasks SET ended_at = 1',
  'a task runs without a turn': `UPDATE tasks SET state = 'running', turn_id = NULL`,
  'a task has a turn and waits for another one': `UPDATE tasks SET turn_id = 'turn_1'`,
  'a task waits and nothing brings it on': 'UPDATE tasks SET next_at = NULL',
  'a task is blocked for no reason': `UPDATE tasks SET state = 'blocked'`,
  'a write that can be taken back keeps a negative size': 'UPDATE undo_steps SET bytes = -1',
}

/** A folder in which a few turns read, wrote, asked and were answered. */
async function lived(name: string, isSealed: boolean): Promise<void> {
  const folder = join(root, name)
  mkdirSync(join(folder, 'files'), { recursive: true })
  writeFileSync(join(folder, 'files', 'a.txt'), 'as it was')
  const answers = [
    calls(
      ['read_mail', {}],
      ['memory_write', { key: 'wifi', value: 'on the fridge' }],
      ['file_write', { path: join(folder, 'files', 'a.txt'), content: 'new' }],
    ),
    says('read and written'),
    calls(['run_program', { argument: 'x' }]),
    says('run'),
  ]
  const cara = await testGateway({
    providers: [scriptedProvider('fake', () => answers.shift() ?? says('nothing more'))],
    tools: outsideTools().tools,
    filesystem: { roots: [join(folder, 'files')], writeAccess: true },
    folder,
    openStore: (path) => openStore({ path, synchronous: 'normal', encrypt: { isOn: isSealed, key: () => KEY } }),
  })
  await cara.ask('look at my mail', {}, { decision: 'allow', unlock: 'once' })
  await cara.ask('run it', {}, { decision: 'allow', unlock: 'always' })
  await cara.ask('alone', { sessionKey: null, idempotencyKey: 'alone' })
  const { outbox } = cara.gateway.store
  const facts = { to: 'chat', lane: 'chat', purpose: 'tool', turnId: null, sessionId: null, createdAt: 1, expiresAt: 9 } as const
  for (const id of ['out_sent', 'out_waiting']) await outbox.accept({ ...facts, id, key: id, parts: ['hello'] }, { parts: 9, bytes: 99 })
  const claimed = await outbox.claim({ id: 'out_sent', part: 1 }, { owner: 'w', until: 9, now: 1 })
  await outbox.sent({ id: 'out_sent', part: 1, fence: claimed?.fence ?? 0 }, 2)
  await taskBookOver(cara.gateway.store, cara.audit, () => 1).create({ prompt: 'go' }, { origin: OWNER, credential: null, by: 'owner' })
  assert.deepEqual(await cara.gateway.store.check(), [])
  await cara.crash()
}

async function found(name: string, ...breaking: readonly (readonly [sql: string, ...params: SqlValue[]])[]): Promise<readonly string[]> {
  const folder = join(root, `${name}-${Math.random().toString(36).slice(2)}`)
  cpSync(join(root, name), folder, { recursive: true })
  const path = join(folder, 'carapace.db')
  const database = openSqlite({ path, synchronous: 'normal' })
  for (const [sql, ...params] of breaking) await database.commit([{ sql, params }])
  await database.close()
  const inspection = await inspect(folder)
  try {
    return await inspection.check()
  } finally {
    await inspection.close()
  }
}

const inspect = (folder: string): Promise<Inspection> =>
  inspectStore({ path: join(folder, 'carapace.db'), copies: join(folder, 'state', 'undo'), backups: join(folder, 'backups'), key: () => KEY })

describe('a check of the database', () => {
  before(async () => {
    await lived('plain', false)
    await lived('sealed', true)
  })

  it('finds nothing where nothing is wrong, and changes nothing', async () => {
    for (const name of ['plain', 'sealed']) {
      const folder = join(root, name)
      const before = readFileSync(join(folder, 'carapace.db'))
      const inspection = await inspect(folder)
      assert.deepEqual(await inspection.check(), [], name)
      const { engine, texts, tables } = await inspection.facts()
      assert.deepEqual([engine, texts], ['SQLite', name])
      assert.ok((tables.find(({ table }) => table === 'turns')?.rows ?? 0) >= 3)
      assert.ok((tables.find(({ table }) => table === 'grants')?.rows ?? 0) >= 1, 'there is something to break')
      await inspection.close()
      assert.ok(readFileSync(join(folder, 'carapace.db')).equals(before))
    }
  })

  for (const { broken } of laws) {
    it(`finds that ${broken}`, async () => {
      const problems = await found('plain', [BREAKS[broken] ?? `SELECT 'this law is broken by no test'`])
      assert.ok(
        problems.some((problem) => problem.startsWith(`${broken}: `)),
        problems.join('\n'),
      )
    })
  }

  it('finds a conversation that is marked as having seen less than it shows', async () => {
    for (const name of ['plain', 'sealed'])
      for (const column of ['untrusted', 'private'])
        assert.match(
          (await found(name, [`UPDATE sessions SET ${column} = 0`])).join(),
          /^a conversation is marked as having seen less than its lines show: ses_/,
        )
  })

  it('finds nothing while a turn that has read what strangers wrote waits, and the mark is there before its end', async () => {
    const answers = [calls(['read_mail', {}]), calls(['run_program', { argument: 'x' }])]
    const cara = await testGateway({ providers: [scriptedProvider('fake', () => answers.shift() ?? says('done'))], tools: outsideTools().tools })
    await cara.asked('look')
    assert.deepEqual((await cara.gateway.store.sessions.find('main'))?.taint, { untrusted: true, private: true })
    assert.deepEqual(await cara.gateway.store.check(), [])
    await cara.close()
  })

  it('finds texts that were changed or moved', async () => {
    assert.match((await found('plain', [`UPDATE entries SET data = '{"role":' WHERE kind = 'reply'`])).join(), /^a line cannot be read: \d/)
    assert.match((await found('sealed', [`UPDATE entries SET data = (SELECT data FROM entries ORDER BY id LIMIT 1)`])).join(), /^a line cannot be read: \d/)
    assert.match((await found('sealed', [`UPDATE memory SET value = 'in plain words'`])).join(), /^memory\.value cannot be opened: wifi/)
  })

  it('finds that the copy of a replaced file is gone', async () => {
    const folder = join(root, 'uncopied')
    cpSync(join(root, 'plain'), folder, { recursive: true })
    rmSync(join(folder, 'state', 'undo'), { recursive: true })
    const inspection = await inspect(folder)
    assert.match((await inspection.check()).join(), /^the copy of a replaced file is gone: undo_/)
    await inspection.close()
  })

  it('reads beside a gateway that writes', async () => {
    const cara = await testGateway({ providers: [scriptedProvider('fake', () => says('hello'))] })
    await cara.ask('one')
    const inspection = await inspect(cara.folder)
    await cara.ask('two')
    assert.deepEqual(await inspection.check(), [])
    await inspection.close()
    await cara.ask('three')
    await cara.close()
  })

  it('says what is the matter where there is no database, or a damaged one', async () => {
    await assert.rejects(inspect(join(root, 'nowhere')), /there is none yet/)
    const folder = join(root, 'damaged')
    cpSync(join(root, 'plain'), folder, { recursive: true })
    const path = join(folder, 'carapace.db')
    const bytes = readFileSync(path)
    // From the second page on.
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0x55)]))
    await assert.rejects(async () => {
      const inspection = await inspect(folder)
      const problems = await inspection.check()
      await inspection.close()
      throw new Error(problems.length > 0 ? `The database is damaged: ${problems.join()}` : 'nothing was found')
    }, /The database is damaged/)
  })
})
