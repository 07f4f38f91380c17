/** What is forgotten, when, and what is not: by the rules of `retentionRules`, over a real database. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { coreSections } from '../../src/config/schema.ts'
import { AppError } from '../../src/contracts/errors.ts'
import type { Database, RetentionLimits, SqlValue } from '../../src/contracts/store.ts'
import { checkInvariants } from '../../src/store/check-invariants.ts'
import { migrate } from '../../src/store/migrations.ts'
import { forgetOld, retentionRules } from '../../src/store/retention.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'

const DAY_MS = 86_400_000
const NOW = 1_700_000_000_000
const daysAgo = (days: number) => NOW - days * DAY_MS

async function open(t: TestContext): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-retention-'))
  const database = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  t.after(async () => {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  await migrate(database)
  return database
}

async function forget(database: Database, limits: RetentionLimits): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for await (const { table, rows } of forgetOld(database, limits, NOW)) sums[table] = (sums[table] ?? 0) + rows
  return sums
}

/** A row with these columns; whatever else must not be null gets a value of its own. */
async function insert(database: Database, table: string, columns: Readonly<Record<string, SqlValue>>): Promise<void> {
  const own = { ...columns }
  for (const { name, notnull, dflt_value: hasDefault, pk } of await database.query(`SELECT * FROM pragma_table_info('${table}')`, [])) {
    if (typeof name !== 'string' || name in own || hasDefault !== null || name === 'position' || (pk !== 0 && name === 'id' && table === 'entries')) continue
    if (notnull === 1) own[name] = `${name}-${Object.values(columns).join('-')}`
  }
  const names = Object.keys(own)
  await database.commit([
    { sql: `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`, params: Object.values(own) },
  ])
}

async function column(database: Database, sql: string): Promise<readonly SqlValue[]> {
  return (await database.query(sql, [])).map((row) => Object.values(row)[0] ?? null)
}

describe('retention', () => {
  it('has a rule or a reason for every table', async (t) => {
    const database = await open(t)
    // The parts of an index of words are tables of its own name.
    const tables = await column(
      database,
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT GLOB 'memory_words_*' ORDER BY name`,
    )
    assert.deepEqual(
      retentionRules
        .filter(({ on }) => on !== 'postgres')
        .map(({ table }) => table)
        .toSorted(),
      tables,
      'src/store/retention.ts: add a line for the table, with the days that bound it or the reason why it does not grow',
    )
    for (const rule of retentionRules) if ('because' in rule) assert.ok(rule.because.length > 20, `${rule.table}: say why`)
  })

  it('reads every key of its section, and no other', () => {
    const used = retentionRules.flatMap((rule) => ('days' in rule ? rule.days : []))
    const keys = Object.keys(coreSections.retention.parse({ conversationDays: 9, messageDays: 9 }))
    assert.deepEqual([...new Set(used)].toSorted(), keys.toSorted())
  })

  for (const rule of retentionRules) {
    if (!('key' in rule)) continue
    it(`forgets rows of ${rule.table} after ${rule.days}, all of them, and keeps what is younger`, async (t) => {
      const database = await open(t)
      for (let old = 0; old < 250; old++) await insert(database, rule.table, { [rule.age]: daysAgo(11) - old })
      await insert(database, rule.table, { [rule.age]: daysAgo(9) })
      assert.equal((await forget(database, {}))[rule.table] ?? 0, 0, 'without a limit nothing goes')
      assert.deepEqual((await forget(database, { [rule.days]: 10 }))[rule.table], 250)
      assert.deepEqual(await column(database, `SELECT ${rule.age} FROM ${rule.table}`), [daysAgo(9)])
    })
  }

  it('forgets what was of use for a moment, whatever the limits are', async (t) => {
    const database = await open(t)
    for (let old = 0; old < 20; old++) await insert(database, 'attempts', { key: `a${old}`, kind: 'credentials', since: NOW - 60_001 - old, count: 1 })
    await insert(database, 'attempts', { key: 'young', kind: 'credentials', since: NOW - 60_000, count: 1 })
    assert.equal((await forget(database, {}))['attempts'], 20)
    assert.deepEqual(await column(database, 'SELECT key FROM attempts'), ['young'])
  })

  it('keeps a question that waits, however old it is', async (t) => {
    const database = await open(t)
    await insert(database, 'approvals', { status: 'pending', created_at: daysAgo(400), decided_at: null })
    assert.equal((await forget(database, { approvalDays: 1 }))['approvals'], 0)
    assert.deepEqual(await column(database, 'SELECT status FROM approvals'), ['pending'])
  })

  it('keeps what a turn has sent as long as that may send it again', async (t) => {
    const database = await open(t)
    const gone = { settled_at: daysAgo(40), status: 'sent' }
    await insert(database, 'turns', { id: 'open', finished: 0 })
    await insert(database, 'turns', { id: 'over', finished: 1 })
    for (const turn of ['open', 'over', 'forgotten']) await insert(database, 'outbox', { ...gone, id: `of ${turn}`, turn_id: turn })
    await insert(database, 'job_runs', { job_id: 'j', due_at: 1, status: 'sending' })
    await insert(database, 'job_runs', { job_id: 'j', due_at: 2, status: 'ok' })
    for (const due of [1, 2]) await insert(database, 'outbox', { ...gone, id: `of run ${due}`, key: `cron:j:${due}`, purpose: 'job', turn_id: null })
    assert.equal((await forget(database, { outboxDays: 30 }))['outbox'], 3)
    assert.deepEqual(await column(database, 'SELECT id FROM outbox ORDER BY id'), ['of open', 'of run 1'])
    await database.commit([
      { sql: 'UPDATE turns SET finished = 1', params: [] },
      { sql: `UPDATE job_runs SET status = 'ok'`, params: [] },
    ])
    assert.equal((await forget(database, { outboxDays: 30 }))['outbox'], 2)
  })

  it('forgets the outcome of a turn and keeps what was said in its conversation', async (t) => {
    const database = await open(t)
    await insert(database, 'sessions', { id: 'ses_1', key: 'main', last_activity_at: NOW })
    const turn = (id: string, session: string | null, finished: number, days: number) =>
      insert(database, 'turns', { id, session_id: session, finished, begun: 1, request: '{}', accepted_at: daysAgo(days) })
    const line = (turnId: string, session: string | null) =>
      insert(database, 'entries', { session_id: session, turn_id: turnId, kind: 'user', tokens: 1, data: '{}', at: daysAgo(50) })
    for (const [id, session, finished, days] of [
      ['old', 'ses_1', 1, 20],
      ['young', 'ses_1', 1, 9],
      ['running', 'ses_1', 0, 20],
      ['stateless', null, 1, 6],
      ['fresh', null, 1, 4],
      ['waiting', null, 0, 20],
      ['orphan', 'ses_gone', 1, 0],
    ] as const) {
      await turn(id, session, finished, days)
      await line(id, session)
    }
    for (let more = 0; more < 300; more++) await turn(`more ${more}`, 'ses_1', 1, 11)
    const sums = await forget(database, { turnDays: 10, statelessDays: 5 })
    assert.equal(sums['turns'], 303)
    assert.deepEqual(await column(database, 'SELECT id FROM turns ORDER BY position'), ['young', 'running', 'fresh', 'waiting'])
    assert.deepEqual(await column(database, 'SELECT turn_id FROM entries ORDER BY id'), ['old', 'young', 'running', 'fresh', 'waiting'])
  })

  it('forgets old messages by whole turns, and counts what is left', async (t) => {
    const database = await open(t)
    await insert(database, 'sessions', { id: 'ses_1', key: 'main', last_activity_at: NOW, message_count: 7, untrusted: 1 })
    const line = (turnId: string, kind: string, days: number, session: string | null = 'ses_1') =>
      insert(database, 'entries', { session_id: session, turn_id: turnId, kind, tokens: 1, data: '{}', at: daysAgo(days) })
    await line('stateless', 'user', 30, null)
    await line('old', 'user', 30)
    await line('old', 'assistant', 30)
    await line('old', 'intent', 30)
    await line('old', 'tool', 30)
    await line('parked', 'user', 29)
    await line('old', 'reply', 29)
    await line('across', 'user', 11)
    await line('across', 'reply', 9)
    await line('young', 'user', 8)
    await insert(database, 'turns', { id: 'parked', session_id: 'ses_1', finished: 0, begun: 1, request: '{}', accepted_at: daysAgo(29) })
    await forget(database, { messageDays: 10 })
    assert.deepEqual(await column(database, 'SELECT turn_id FROM entries ORDER BY id'), ['stateless', 'parked', 'across', 'across', 'young'])
    assert.deepEqual(await database.query('SELECT message_count, untrusted FROM sessions', []), [{ message_count: 5, untrusted: 1 }])
  })

  it('forgets conversations that nobody wrote in, with all that belongs to them', async (t) => {
    const database = await open(t)
    for (const [id, days] of [
      ['idle', 20],
      ['asking', 20],
      ['live', 5],
    ] as const) {
      await insert(database, 'sessions', { id, key: id, last_activity_at: daysAgo(days) })
      await insert(database, 'turns', {
        id: `turn of ${id}`,
        session_id: id,
        finished: id === 'asking' ? 0 : 1,
        begun: 1,
        request: '{}',
        accepted_at: daysAgo(days),
      })
      for (let lines = 0; lines < 250; lines++)
        await insert(database, 'entries', { session_id: id, turn_id: `turn of ${id}`, kind: 'user', tokens: 1, data: '{}', at: daysAgo(days) })
      await insert(database, 'approvals', { id: `asked ${id}`, session_id: id })
      await insert(database, 'grants', { id: `word ${id}`, session_id: id })
      await insert(database, 'refusals', { id: `no ${id}`, session_id: id })
    }
    assert.equal((await forget(database, { conversationDays: 10 }))['sessions'], 1)
    for (const table of ['turns', 'approvals', 'grants', 'refusals', 'entries'])
      assert.deepEqual(await column(database, `SELECT DISTINCT session_id FROM ${table} ORDER BY 1`), ['asking', 'live'], table)
    assert.deepEqual(await column(database, 'SELECT id FROM sessions ORDER BY 1'), ['asking', 'live'])
  })

  it('that is cut off in the middle of a conversation leaves what must hold', async (t) => {
    const database = await open(t)
    const turn = { id: 't', session_id: 's', finished: 1, begun: 1, request: '{}', accepted_at: daysAgo(20), result: '{}' }
    await insert(database, 'sessions', { id: 's', key: 'k', last_activity_at: daysAgo(20), message_count: 300 })
    await insert(database, 'turns', turn)
    const line = { session_id: 's', turn_id: 't', kind: 'user', tokens: 1, data: JSON.stringify({ role: 'user', parts: [] }), at: daysAgo(20) }
    for (let lines = 0; lines < 300; lines++) await insert(database, 'entries', line)
    const cut: Database = {
      ...database,
      commit: (statements) =>
        statements.some(({ sql }) => sql.startsWith('DELETE FROM turns')) ? Promise.reject(new AppError('store/unavailable')) : database.commit(statements),
    }
    await assert.rejects(forget(cut, { conversationDays: 10 }))
    assert.deepEqual(await column(database, 'SELECT count(*) FROM entries'), [0])
    assert.deepEqual(await checkInvariants(database), [])
    assert.equal((await forget(database, { conversationDays: 10 }))['sessions'], 1)
  })

  it('goes in short commits', async (t) => {
    const database = await open(t)
    for (let old = 0; old < 450; old++) await insert(database, 'refusals', { at: daysAgo(11) - old })
    const sizes: number[] = []
    const watched: Database = {
      ...database,
      commit(statements) {
        sizes.push(statements.length)
        return database.commit(statements)
      },
    }
    await forget(watched, { refusalDays: 10 })
    assert.deepEqual(sizes, [200, 200, 50])
  })
})
