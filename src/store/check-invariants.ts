/**
 * What must always hold between the rows, whatever was interrupted: each line of `laws` finds the rows that break it. Then every text is opened, and what a conversation has seen is compared
 * with what its lines say. Reads only, in bounded memory.
 */
import { NO_TAINT, type Database, type Row, type Taint } from '../contracts/store.ts'
import { taintOf } from '../contracts/taint.ts'
import { integer, isMessage, json, text, textOrNull } from './rows.ts'
import { entryRow, sealedColumns } from './sealed-columns.ts'

interface Law {
  readonly broken: string
  /** Ids of the rows that break it. */
  readonly sql: string
}

const noTurn = (table: string) => `NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = ${table}.turn_id)`
const noSession = (table: string) => `${table}.session_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ${table}.session_id)`
const COUNTED = `(SELECT count(*) FROM entries WHERE entries.session_id = sessions.id AND kind IN ('user', 'handed-in', 'reply'))`

export const laws: readonly Law[] = [
  { broken: 'a turn ended without a result', sql: 'SELECT id FROM turns WHERE finished = 1 AND result IS NULL' },
  { broken: 'a turn has a result and has not ended', sql: 'SELECT id FROM turns WHERE finished = 0 AND result IS NOT NULL' },
  { broken: 'a line belongs to no conversation and no turn', sql: `SELECT id FROM entries WHERE session_id IS NULL AND ${noTurn('entries')}` },
  { broken: 'a line belongs to a conversation that is gone', sql: `SELECT id FROM entries WHERE ${noSession('entries')} AND ${noTurn('entries')}` },
  {
    broken: 'a line and its turn belong to different conversations',
    sql: `SELECT entries.id AS id FROM entries JOIN turns ON turns.id = entries.turn_id WHERE coalesce(entries.session_id, '') <> coalesce(turns.session_id, '')`,
  },
  { broken: 'a conversation counts other messages than it has', sql: `SELECT id FROM sessions WHERE message_count <> ${COUNTED}` },
  { broken: 'a summary covers something and says nothing', sql: 'SELECT id FROM sessions WHERE (summary IS NULL) <> (summary_until = 0)' },
  {
    broken: 'a question waits and its turn does not',
    sql: `SELECT id FROM approvals WHERE status = 'pending' AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = approvals.turn_id AND finished = 0)`,
  },
  { broken: 'a question was decided at no time', sql: `SELECT id FROM approvals WHERE (status = 'pending') <> (decided_at IS NULL)` },
  { broken: 'a question was answered and the answer is not there', sql: `SELECT id FROM approvals WHERE status IN ('allowed', 'denied') AND decision IS NULL` },
  { broken: 'a question belongs to a conversation that is gone', sql: `SELECT id FROM approvals WHERE ${noSession('approvals')}` },
  { broken: 'a standing word belongs to a conversation that is gone', sql: `SELECT id FROM grants WHERE ${noSession('grants')}` },
  { broken: 'a message waits and has no text', sql: `SELECT id FROM outbox WHERE status IN ('waiting', 'dead') AND text IS NULL` },
  { broken: 'a message ended and its text is still there', sql: `SELECT id FROM outbox WHERE status IN ('sent', 'dropped') AND text IS NOT NULL` },
  { broken: 'a message ended at no time', sql: `SELECT id FROM outbox WHERE (status = 'waiting') <> (settled_at IS NULL)` },
  { broken: 'a task ended at no time', sql: `SELECT id FROM tasks WHERE (state IN ('done', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)` },
  { broken: 'a task runs without a turn', sql: `SELECT id FROM tasks WHERE state = 'running' AND (turn_id IS NULL OR next_at IS NULL OR run_until IS NULL)` },
  {
    broken: 'a task has a turn and waits for another one',
    sql: `SELECT id FROM tasks WHERE state IN ('queued', 'retry_wait', 'done', 'failed') AND turn_id IS NOT NULL`,
  },
  { broken: 'a task waits and nothing brings it on', sql: `SELECT id FROM tasks WHERE state IN ('queued', 'retry_wait') AND next_at IS NULL` },
  { broken: 'a task is blocked for no reason', sql: `SELECT id FROM tasks WHERE (state = 'blocked') <> (blocked_reason IS NOT NULL)` },
  { broken: 'a write that can be taken back keeps a negative size', sql: 'SELECT id FROM undo_steps WHERE bytes < 0' },
]

const MAX_NAMED = 5
const ROWS_AT_ONCE = 500

/** One sentence for each law that is broken; empty when all hold. */
export async function checkInvariants(database: Database): Promise<readonly string[]> {
  const found: string[] = []
  for (const { broken, sql } of laws) {
    const rows = await database.query(`SELECT id FROM (${sql}) AS broken ORDER BY id LIMIT ${MAX_NAMED + 1}`, [])
    if (rows.length > 0) found.push(`${broken}: ${named(rows.map(({ id }) => String(id)))}`)
  }
  // Without the key nothing can be said about texts.
  return database.texts.isLocked ? found : [...found, ...(await checkLines(database)), ...(await checkTexts(database))]
}

function named(ids: readonly string[]): string {
  return `${ids.slice(0, MAX_NAMED).join(', ')}${ids.length > MAX_NAMED ? ' and more' : ''}`
}

/** Every line opens, and its conversation has seen what it shows. */
async function checkLines(database: Database): Promise<readonly string[]> {
  const unreadable: string[] = []
  const unseen = new Set<string>()
  const known = new Map<string, Taint>()
  const seenBy = async (sessionId: string): Promise<Taint | null> => {
    const held = known.get(sessionId)
    if (held !== undefined) return held
    const [row] = await database.query('SELECT untrusted, private FROM sessions WHERE id = $1', [sessionId])
    if (row === undefined) return null
    const taint = { untrusted: row['untrusted'] === 1, private: row['private'] === 1 }
    if (known.size > 10_000) known.clear()
    known.set(sessionId, taint)
    return taint
  }
  for (let last = -1; ;) {
    const rows = await database.query(`SELECT id, session_id, turn_id, kind, data, at FROM entries WHERE id > $1 ORDER BY id LIMIT ${ROWS_AT_ONCE}`, [last])
    for (const row of rows) {
      last = integer(row, 'id')
      const shown = read(database, row)
      if (shown === null) unreadable.push(String(last))
      const sessionId = textOrNull(row, 'session_id')
      const seen = shown === null || sessionId === null || !(shown.untrusted || shown.private) ? null : await seenBy(sessionId)
      if (seen !== null && ((shown?.untrusted === true && !seen.untrusted) || (shown?.private === true && !seen.private))) unseen.add(sessionId ?? '')
    }
    if (rows.length < ROWS_AT_ONCE || unreadable.length > MAX_NAMED) break
  }
  return [
    ...(unreadable.length > 0 ? [`a line cannot be read: ${named(unreadable)}`] : []),
    ...(unseen.size > 0 ? [`a conversation is marked as having seen less than its lines show: ${named([...unseen])}`] : []),
  ]
}

/** What a line shows; null when it cannot be read. */
function read(database: Database, row: Row): Taint | null {
  const kind = text(row, 'kind')
  try {
    const opened = database.texts.open('entries.data', entryRow(textOrNull(row, 'turn_id'), kind, integer(row, 'at')), text(row, 'data'))
    return kind === 'intent' ? (JSON.parse(opened), NO_TAINT) : taintOf([json(opened, isMessage)], NO_TAINT)
  } catch {
    return null
  }
}

/** The other texts: these tables are small, or hold one short text a row. */
async function checkTexts(database: Database): Promise<readonly string[]> {
  if (!database.texts.isSealed) return []
  const found: string[] = []
  for (const { table, column, identity, row: rowOf } of sealedColumns) {
    if (table === 'entries') continue
    const order = identity.join(', ')
    const unreadable: string[] = []
    for (let offset = 0; ; offset += ROWS_AT_ONCE) {
      const rows = await database.query(
        `SELECT ${order}, ${column} FROM ${table} WHERE ${column} IS NOT NULL ORDER BY ${order} LIMIT ${ROWS_AT_ONCE} OFFSET ${offset}`,
        [],
      )
      for (const row of rows) {
        // What a turn of a conversation was asked is dropped when it ends.
        if (table === 'turns' && column === 'request' && row[column] === '{}') continue
        try {
          database.texts.open(`${table}.${column}`, rowOf(row), text(row, column))
        } catch {
          unreadable.push(rowOf(row))
        }
      }
      if (rows.length < ROWS_AT_ONCE || unreadable.length > MAX_NAMED) break
    }
    if (unreadable.length > 0) found.push(`${table}.${column} cannot be opened: ${named(unreadable)}`)
  }
  return found
}
