/**
 * What is forgotten, and when: a line for each table, or the reason why it does not grow without end. Everything goes in short commits, oldest first, so that no message waits behind it; a pass
 * that ends in the middle has done what it did, and the next one goes on.
 */
import type { Database, Forgotten, RetentionLimits, Row, Statement } from '../contracts/store.ts'
import { EVENTS_KEPT_MS, NODE_KEPT_MS } from '../contracts/cluster.ts'
import { ATTEMPTS_COUNT_MS } from '../contracts/limits.ts'
import { integer, text, textOrNull } from './rows.ts'
import { forgetQuestions } from './approvals.ts'
import { forgetSettled, MAY_COME_AGAIN } from './outbox.ts'
import { stands } from './stands.ts'

type Days = keyof RetentionLimits
type Pass = (database: Database, limits: RetentionLimits, now: number) => AsyncGenerator<number>

export type RetentionRule = {
  readonly table: string
  /** The engine that has it, where only one does. */
  readonly on?: 'sqlite' | 'postgres'
} & (
  | {
      /** Rows go when this column (milliseconds; null never does) is older than so many days. An index serves it, or the table is small by another bound. */
      readonly age: string
      readonly days: Days
      /** The columns that name a row. */
      readonly key: readonly string[]
      /** Of these rows only. */
      readonly where?: string
    }
  /** More than an age decides, or rows of other tables go along. */
  | { readonly pass: Pass; readonly days: readonly Days[] }
  /** Everything of so long ago, which nobody decides: rows that were of use for a moment. */
  | { readonly age: string; readonly ms: number }
  /** Why nothing is forgotten here. */
  | { readonly because: string }
)

export const retentionRules: readonly RetentionRule[] = [
  { table: 'sessions', pass: forgetConversations, days: ['conversationDays'] },
  { table: 'entries', pass: forgetMessages, days: ['messageDays'] },
  { table: 'turns', pass: forgetTurns, days: ['turnDays', 'statelessDays'] },
  { table: 'usage', age: 'at', days: 'usageDays', key: ['at', 'turn_id'] },
  { table: 'refusals', age: 'at', days: 'refusalDays', key: ['position'] },
  { table: 'approvals', age: 'decided_at', days: 'approvalDays', key: ['position'] },
  { table: 'outbox', age: 'settled_at', days: 'outboxDays', key: ['position'], where: `NOT ${MAY_COME_AGAIN}` },
  { table: 'undo_steps', because: 'undo.keepDays, undo.maxBytes and 10,000 steps bound it, with the copies of files (undo-log.ts)' },
  { table: 'memory', because: 'the notes hold 4 MiB together, and a fuller memory refuses more' },
  { table: 'memory_words', on: 'sqlite', because: 'the index of the notes grows and shrinks with them' },
  { table: 'grants', because: 'a standing word of the owner holds until he takes it back or its conversation goes' },
  { table: 'shadow_calls', because: 'each new one beyond 10,000 takes the place of the oldest' },
  { table: 'devices', because: 'the owner admits each machine by hand' },
  { table: 'jobs', because: 'cron.maxJobs bounds those that are due again, and a new one makes room among those that are over' },
  { table: 'job_runs', because: 'cron.keepRuns bounds them for each job' },
  // Gateways that run forget these with their signs of life, too.
  { table: 'nodes', on: 'postgres', age: 'seen_at', ms: NODE_KEPT_MS },
  { table: 'turn_events', on: 'postgres', age: 'at', ms: EVENTS_KEPT_MS },
  { table: 'work_events', on: 'postgres', age: 'at', ms: EVENTS_KEPT_MS },
  { table: 'attempts', age: 'since', ms: ATTEMPTS_COUNT_MS },
  { table: 'shared_settings', because: 'a row for each setting that is shared, at most 500 (shared-settings.ts)' },
  { table: 'tasks', age: 'ended_at', days: 'turnDays', key: ['id'] },
  { table: 'meta', because: 'a few names, each once' },
]

/** The lines of a conversation that count as its messages. */
const countedLines = (which: string) => `(SELECT count(*) FROM entries WHERE ${which} AND kind IN ('user', 'handed-in', 'reply'))`
const DAY_MS = 86_400_000
const ROWS_AT_ONCE = 200
const MOMENTS_AT_ONCE = 5000

/** One pass over all tables; each yield follows a short commit or a look at some rows. */
export async function* forgetOld(database: Database, limits: RetentionLimits, now: number): AsyncGenerator<Forgotten> {
  for (const rule of retentionRules) {
    if ('because' in rule || (rule.on ?? database.engine) !== database.engine) continue
    const pass = 'pass' in rule ? rule.pass(database, limits, now) : 'ms' in rule ? forgetMoments(database, rule, now) : forgetRows(database, rule, limits, now)
    for await (const rows of pass) yield { table: rule.table, rows }
  }
}

function before(days: number | undefined, now: number): number | null {
  return days === undefined ? null : now - days * DAY_MS
}

async function* forgetRows(
  database: Database,
  { table, age, days, key, where }: Extract<RetentionRule, { readonly key: readonly string[] }>,
  limits: RetentionLimits,
  now: number,
): AsyncGenerator<number> {
  const cutoff = before(limits[days], now)
  if (cutoff === null) return
  const columns = key.join(', ')
  const sql = `DELETE FROM ${table} WHERE ${key.map((column, index) => `${column} = $${index + 1}`).join(' AND ')}`
  for (;;) {
    const rows = await database.query(
      `SELECT ${columns} FROM ${table} WHERE ${age} < $1${where === undefined ? '' : ` AND ${where}`} ORDER BY ${age} LIMIT ${ROWS_AT_ONCE}`,
      [cutoff],
    )
    if (rows.length > 0) await database.commit(rows.map((row) => ({ sql, params: key.map((column) => row[column] ?? null) })))
    yield rows.length
    if (rows.length < ROWS_AT_ONCE) return
  }
}

async function* forgetMoments(database: Database, { table, age, ms }: Extract<RetentionRule, { readonly ms: number }>, now: number): AsyncGenerator<number> {
  for (;;) {
    // Where many write, an index on the column serves it.
    const [newest] = await database.query(
      `SELECT count(*) AS count, max(${age}) AS until FROM (SELECT ${age} FROM ${table} WHERE ${age} < $1 ORDER BY ${age} LIMIT ${MOMENTS_AT_ONCE}) AS old`,
      [now - ms],
    )
    const count = newest === undefined ? 0 : integer(newest, 'count')
    if (count > 0) await database.commit([{ sql: `DELETE FROM ${table} WHERE ${age} <= $1`, params: [newest?.['until'] ?? null] }])
    yield count
    if (count < MOMENTS_AT_ONCE) return
  }
}

/**
 * The row of a turn holds its end; what was said stands in the conversation. A turn without a conversation takes its lines along, and so does one whose conversation was deleted while it
 * still ran.
 */
async function* forgetTurns(database: Database, { turnDays, statelessDays }: RetentionLimits, now: number): AsyncGenerator<number> {
  const [cutoff, stateless] = [before(turnDays, now), before(statelessDays, now)]
  for (let last = -1; ;) {
    const rows = await database.query(
      `SELECT turns.position AS position, turns.id AS id, session_id, accepted_at, finished, sessions.id AS conversation FROM turns
        LEFT JOIN sessions ON sessions.id = turns.session_id WHERE turns.position > $1 ORDER BY turns.position LIMIT ${ROWS_AT_ONCE}`,
      [last],
    )
    let gone = 0
    const statements: Statement[] = []
    for (const row of rows) {
      last = integer(row, 'position')
      if (row['finished'] !== 1) continue
      const hasConversation = row['session_id'] !== null
      const isOrphan = hasConversation && row['conversation'] === null
      const bound = hasConversation ? cutoff : stateless
      if (!isOrphan && (bound === null || integer(row, 'accepted_at') >= bound)) continue
      gone++
      const id = text(row, 'id')
      if (!hasConversation || isOrphan) statements.push({ sql: 'DELETE FROM entries WHERE turn_id = $1', params: [id] })
      statements.push({ sql: 'DELETE FROM turns WHERE id = $1 AND finished = 1', params: [id] })
    }
    if (statements.length > 0) await database.commit(statements)
    yield gone
    if (rows.length < ROWS_AT_ONCE) return
  }
}

/** Whole turns only: a conversation never begins with the result of a call that is gone. */
async function* forgetMessages(database: Database, { messageDays }: RetentionLimits, now: number): AsyncGenerator<number> {
  const cutoff = before(messageDays, now)
  if (cutoff === null) return
  for (let last = -1; ;) {
    const rows = await database.query(
      `SELECT id, turn_id, session_id, at, (SELECT max(later.at) FROM entries AS later WHERE later.turn_id = entries.turn_id) AS ended,
          (SELECT count(*) FROM turns WHERE turns.id = entries.turn_id AND finished = 0) AS open
        FROM entries WHERE id > $1 ORDER BY id LIMIT ${ROWS_AT_ONCE}`,
      [last],
    )
    const turns = new Map<string, string>()
    for (const row of rows) {
      last = integer(row, 'id')
      const [turnId, sessionId] = [textOrNull(row, 'turn_id'), textOrNull(row, 'session_id')]
      if (turnId !== null && sessionId !== null && row['open'] === 0 && integer(row, 'ended') < cutoff) turns.set(turnId, sessionId)
    }
    const statements = [...turns].flatMap(([turnId, sessionId]): readonly Statement[] => [
      {
        sql: `UPDATE sessions SET message_count = message_count - ${countedLines('turn_id = $1')} WHERE id = $2`,
        params: [turnId, sessionId],
      },
      { sql: 'DELETE FROM entries WHERE turn_id = $1', params: [turnId] },
    ])
    if (statements.length > 0) await database.commit(statements)
    yield turns.size
    const newest = rows.at(-1)
    if (rows.length < ROWS_AT_ONCE || newest === undefined || integer(newest, 'at') >= cutoff) return
  }
}

/** First the lines, in pieces, then the rest at once, unless somebody wrote meanwhile. */
async function* forgetConversations(database: Database, { conversationDays }: RetentionLimits, now: number): AsyncGenerator<number> {
  const cutoff = before(conversationDays, now)
  if (cutoff === null) return
  const idle = `last_activity_at < $1 AND NOT EXISTS (SELECT 1 FROM turns WHERE session_id = sessions.id AND finished = 0)`
  for (let last: Row | undefined; ;) {
    const [next]: readonly Row[] = await database.query(
      `SELECT id, last_activity_at AS at FROM sessions WHERE ${idle}${last === undefined ? '' : ' AND (last_activity_at > $2 OR (last_activity_at = $2 AND id > $3))'}
        ORDER BY last_activity_at, id LIMIT 1`,
      last === undefined ? [cutoff] : [cutoff, integer(last, 'at'), text(last, 'id')],
    )
    if (next === undefined) return
    last = next
    const id = text(next, 'id')
    for (;;) {
      const [end] = await database.query(
        `SELECT max(id) AS until FROM (SELECT id FROM entries WHERE session_id = $1 AND EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND last_activity_at < $2)
          ORDER BY id LIMIT ${ROWS_AT_ONCE}) AS oldest`,
        [id, cutoff],
      )
      const until = end?.['until'] ?? null
      if (until === null) break
      // A pass may end here: what is counted is what is left.
      await database.commit([
        { sql: `UPDATE sessions SET message_count = message_count - ${countedLines('session_id = $1 AND id <= $2')} WHERE id = $1`, params: [id, until] },
        { sql: 'DELETE FROM entries WHERE session_id = $1 AND id <= $2', params: [id, until] },
      ])
      yield 0
    }
    // Not where somebody wrote in it just now.
    const isGone = await stands(
      database.commit([
        { sql: `UPDATE sessions SET title = NULL WHERE id = $2 AND ${idle}`, params: [cutoff, id], expectChanges: 1 },
        { sql: 'DELETE FROM entries WHERE session_id = $1', params: [id] },
        ...forgetQuestions(id),
        forgetSettled(id),
        { sql: 'DELETE FROM turns WHERE session_id = $1', params: [id] },
        { sql: 'DELETE FROM sessions WHERE id = $1', params: [id] },
      ]),
    )
    yield isGone ? 1 : 0
  }
}
