/** What is erased is nowhere in the state folder any more: not in rows, free pages, the index of words, the log, copies of files, copies of the database. What belongs to others stays. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Database } from '../../src/contracts/store.ts'
import { conversationTables } from '../../src/store/conversation-data.ts'
import { eraseConversation, finishErasing } from '../../src/store/erase-conversation.ts'
import { migrate } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { outsideTools } from '../doubles/outside-tools.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../doubles/test-gateway.ts'

const CANARY = 'Zwiebelkuchenrezept'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-erase-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Files below the folder that hold the word, in whatever encoding of it we write. */
function holding(folder: string, word = CANARY): readonly string[] {
  const forms = [word, word.toLowerCase(), Buffer.from(word).toString('base64').slice(2, -3)].map((form) => Buffer.from(form))
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .filter((path) => forms.some((form) => readFileSync(join(folder, path)).includes(form)))
}

/** A conversation full of the canary, and another one that has a note replaced by it. */
async function lived(folder: string): Promise<TestGateway> {
  const files = join(folder, '..', `${folder.split('/').at(-1)}-files`)
  mkdirSync(files, { recursive: true })
  writeFileSync(join(files, 'a.txt'), `${CANARY} in a file`)
  const cara = await testGateway({
    providers: [
      scriptedProvider('fake', (request) => {
        if (request.messages.at(-1)?.role === 'tool') return says(`here is the ${CANARY}`)
        const asked = JSON.stringify(request.messages.findLast(({ role }) => role === 'user'))
        if (asked.includes('replace')) return calls(['memory_write', { key: 'shared', value: 'something else' }])
        if (asked.includes('other')) return calls(['memory_write', { key: 'theirs', value: 'their own' }])
        return calls(
          ['memory_write', { key: 'recipe', value: `the ${CANARY}` }],
          ['memory_write', { key: 'shared', value: `first a ${CANARY}` }],
          ['file_write', { path: join(files, 'a.txt'), content: 'no more' }],
          ['run_program', { argument: CANARY }],
          ['pay', { account: CANARY }],
        )
      }),
    ],
    tools: outsideTools().tools,
    toolPolicy: { policy: 'deny-list', list: ['pay'] },
    filesystem: { roots: [files], writeAccess: true },
    folder,
  })
  await cara.ask(`what about ${CANARY}?`, { sessionKey: 'mine', idempotencyKey: CANARY }, { decision: 'allow', unlock: 'always', note: CANARY })
  await cara.ask('other', { sessionKey: 'theirs' })
  const replaced = await cara.ask('replace', { sessionKey: 'theirs' }, { decision: 'allow', unlock: 'once' })
  assert.equal(replaced.result.status, 'completed')
  const { sessions } = cara.gateway.store
  await sessions.rename('mine', { title: CANARY })
  const beside = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  const run = `INSERT INTO job_runs (job_id, due_at, status, turn_id, started_at, note) SELECT 'job', 1, 'done', turn_id, 1, $1 FROM entries ORDER BY id LIMIT 1`
  await beside.commit([{ sql: run, params: [CANARY] }])
  await beside.close()
  const mine = await sessions.find('mine')
  await sessions.saveSummary(mine?.id ?? '', { coversUntil: 1, text: CANARY, tokens: 1, taint: { untrusted: false, private: false } }, 1)
  mkdirSync(join(folder, 'backups'))
  writeFileSync(join(folder, 'backups', 'old.db'), CANARY)
  rmSync(files, { recursive: true })
  return cara
}

const places = (folder: string) => ({ copies: join(folder, 'state', 'undo'), backups: join(folder, 'backups') })

describe('a conversation', () => {
  it('that is erased is nowhere in the state folder, and what belongs to others stays', async (t) => {
    const folder = folderOf(t)
    const cara = await lived(folder)
    const { store } = cara.gateway
    assert.ok(holding(folder).length >= 3, 'there is something to erase')
    const facts = await store.conversationFacts('mine')
    assert.deepEqual(facts?.notes, ['recipe'])
    for (const table of ['lines', 'turns', 'approvals', 'refusals', 'undo_steps']) assert.ok((facts.rows[table] ?? 0) > 0, table)
    assert.deepEqual(await store.eraseConversation('mine', places(folder)), { notes: ['recipe'], copies: 1 })
    // What others said, with the words of the scripted model.
    assert.equal(await store.sessions.find('mine'), null)
    const theirs = await store.sessions.find('theirs')
    assert.ok(((await store.sessions.tail(theirs?.id ?? '', { limit: 100 })).length ?? 0) > 4)
    await store.sessions.delete('theirs')
    assert.equal((await store.memory.read('theirs'))?.value, 'their own')
    assert.equal((await store.memory.read('shared'))?.value, 'something else')
    assert.deepEqual(await store.check(), [])
    assert.equal((await cara.ask('other', { sessionKey: 'theirs again' })).result.status, 'completed')
    await store.eraseConversation('theirs again', places(folder))
    assert.deepEqual(holding(folder), [])
    await cara.crash()
    assert.deepEqual(holding(folder), [])
  })

  it('whose erasing was interrupted is swept at the next start', async (t) => {
    const folder = folderOf(t)
    const cara = await lived(folder)
    await cara.gateway.store.sessions.delete('theirs')
    await cara.crash()
    const path = join(folder, 'carapace.db')
    const database = openSqlite({ path, synchronous: 'normal' })
    const interrupted: Database = {
      ...database,
      query: async (sql, params) => {
        if (sql === 'VACUUM') throw new Error('the process died')
        return database.query(sql, params)
      },
    }
    await assert.rejects(eraseConversation(interrupted, 'mine', places(folder)), /the process died/)
    await database.close()
    const store = await openStore({ path, synchronous: 'normal' })
    assert.deepEqual(await store.check(), [])
    assert.equal(await store.sessions.find('mine'), null)
    await store.close()
    assert.deepEqual(holding(folder), [])
    const again = openSqlite({ path, synchronous: 'normal' })
    assert.deepEqual(await again.query(`SELECT name FROM meta WHERE name = 'erasing'`, []), [])
    await finishErasing(again)
    await again.close()
  })

  it('leaves traces in no table that nobody thought of', async (t) => {
    const database = openSqlite({ path: join(folderOf(t), 'carapace.db'), synchronous: 'normal' })
    await migrate(database)
    const rows = await database.query(
      `SELECT m.name AS name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'session_id' ORDER BY m.name`,
      [],
    )
    const byTurn = await database.query(
      `SELECT m.name AS name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'turn_id'
        AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) AS o WHERE o.name = 'session_id') ORDER BY m.name`,
      [],
    )
    await database.close()
    assert.deepEqual(
      byTurn.map(({ name }) => name),
      ['job_runs', 'tasks'],
      'src/store/erase-conversation.ts: what names a turn and no conversation',
    )
    assert.deepEqual(
      rows.map(({ name }) => name),
      [...conversationTables, 'entries'].toSorted(),
      'src/store/conversation-data.ts: add the table, so that it is exported and erased with its conversation',
    )
  })
})
