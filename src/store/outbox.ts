/** Messages on their way out. A row is a part; `position` is the order of a lane, and a claim is a lease with a fence, so that several processes can share the queue. */
import { AppError } from '../contracts/errors.ts'
import { messagePurposes, type MessagePurpose } from '../contracts/audit.ts'
import type { OutboxEntry, OutboxStatus, OutboxStore, QueuedPart } from '../contracts/outbox.ts'
import type { Database, Row, SqlValue, Statement } from '../contracts/store.ts'
import { integer, text, textOrNull } from './rows.ts'
import { partRow } from './sealed-columns.ts'
import { stands } from './stands.ts'

/** The text of what is dead is kept; beyond so many parts the oldest makes room. */
const MAX_DEAD = 1000
const MAX_LANES = 10_000
const INSERT = `INSERT INTO outbox (id, part, parts, key, destination, lane, purpose, turn_id, session_id, status, text, bytes, due_at, expires_at, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, $11, $12, $13, $12)`
const ENTRIES = `SELECT outbox.id AS id, min(outbox.position) AS place, min(outbox.key) AS key, min(destination) AS destination, min(purpose) AS purpose, min(turn_id) AS turn_id,
    min(sessions.key) AS session_key, max(parts) AS parts, sum(attempts) AS attempts, sum(unknown) AS unknown, min(why) AS why, sum(bytes) AS bytes,
    min(outbox.created_at) AS created_at, max(expires_at) AS expires_at, max(settled_at) AS settled_at,
    min(CASE WHEN status = 'waiting' THEN due_at END) AS due_at,
    sum(CASE WHEN status = 'sent' THEN 1 ELSE 0 END) AS sent, sum(CASE WHEN status = 'waiting' THEN 1 ELSE 0 END) AS waiting,
    sum(CASE WHEN status = 'dead' THEN 1 ELSE 0 END) AS dead, sum(CASE WHEN status = 'dropped' THEN 1 ELSE 0 END) AS dropped
  FROM outbox LEFT JOIN sessions ON sessions.id = outbox.session_id`
/** Whoever made it may come with it again, under the same key: a turn that has not ended, or a run whose answer is on its way (`cron:JOB:INSTANT`). Without its row it would be another message. */
export const MAY_COME_AGAIN = `(EXISTS (SELECT 1 FROM turns WHERE turns.id = outbox.turn_id AND turns.finished = 0)
  OR EXISTS (SELECT 1 FROM job_runs WHERE job_runs.status = 'sending' AND outbox.key = 'cron:' || job_runs.job_id || ':' || CAST(job_runs.due_at AS TEXT)))`
/** A message is what one of its parts is, in this order; all have been sent otherwise. */
const OF_STATUS: Readonly<Record<OutboxStatus, string>> = {
  dead: `SELECT id FROM outbox WHERE status = 'dead'`,
  waiting: `SELECT id FROM outbox WHERE status = 'waiting' EXCEPT SELECT id FROM outbox WHERE status = 'dead'`,
  dropped: `SELECT id FROM outbox WHERE status = 'dropped' EXCEPT SELECT id FROM outbox WHERE status IN ('dead', 'waiting')`,
  sent: `SELECT id FROM outbox WHERE status = 'sent' EXCEPT SELECT id FROM outbox WHERE status <> 'sent'`,
}

export function createOutboxStore(database: Database): OutboxStore {
  const { texts } = database
  const opened = (row: Row) => texts.open('outbox.text', partRow(row), text(row, 'text'))

  async function entries(where: string, params: readonly SqlValue[]): Promise<readonly OutboxEntry[]> {
    return (await database.query(`${ENTRIES} ${where}`, params)).map(toEntry)
  }

  /** Whether it could be written; another was faster where not. */
  const changed = (statements: readonly Statement[]) => stands(database.commit(statements))

  return {
    async accept({ id, key, to, lane, purpose, turnId, sessionId, parts, createdAt, expiresAt }, bounds) {
      const known = async () => (await database.query('SELECT id FROM outbox WHERE key = $1 LIMIT 1', [key]))[0]
      const before = await known()
      if (before !== undefined) return { kind: 'known', id: text(before, 'id') }
      const sizes = parts.map((part) => Buffer.byteLength(part))
      const [waiting] = await database.query(
        `SELECT count(*) AS parts, coalesce(sum(bytes), 0) AS bytes FROM outbox WHERE destination = $1 AND status = 'waiting'`,
        [to],
      )
      if (waiting === undefined || integer(waiting, 'parts') + parts.length > bounds.parts) return { kind: 'full' }
      if (integer(waiting, 'bytes') + sizes.reduce((sum, size) => sum + size, 0) > bounds.bytes) return { kind: 'full' }
      const isNew = await changed(
        parts.map((content, index) => {
          const sealed = texts.seal('outbox.text', `${id}/${index + 1}`, content)
          const params = [id, index + 1, parts.length, key, to, lane, purpose, turnId, sessionId, sealed, sizes[index] ?? 0, createdAt, expiresAt]
          return { sql: INSERT, params }
        }),
      )
      if (isNew) return { kind: 'new', id }
      const after = await known()
      if (after === undefined) throw new AppError('store/conflict')
      return { kind: 'known', id: text(after, 'id') }
    },
    async heads() {
      const rows = await database.query(
        `SELECT lane, destination, due_at, lease_until FROM outbox
          WHERE position IN (SELECT min(position) FROM outbox WHERE status = 'waiting' GROUP BY lane) ORDER BY position LIMIT ${MAX_LANES}`,
        [],
      )
      return rows.map((row) => ({
        lane: text(row, 'lane'),
        to: text(row, 'destination'),
        dueAt: integer(row, 'due_at'),
        leaseUntil: integerOrNull(row, 'lease_until'),
      }))
    },
    async head(lane) {
      const [row] = await database.query(`SELECT * FROM outbox WHERE lane = $1 AND status = 'waiting' ORDER BY position LIMIT 1`, [lane])
      return row === undefined ? null : toPart(row, opened(row))
    },
    async claim({ id, part }, { owner, until, now }) {
      const isOurs = await changed([
        {
          sql: `UPDATE outbox SET unknown = unknown + CASE WHEN owner IS NULL THEN 0 ELSE 1 END, owner = $3, lease_until = $4, fence = fence + 1, attempts = attempts + 1
            WHERE id = $1 AND part = $2 AND status = 'waiting' AND due_at <= $5 AND (lease_until IS NULL OR lease_until <= $5) AND NOT EXISTS
              (SELECT 1 FROM outbox AS earlier WHERE earlier.lane = outbox.lane AND earlier.status = 'waiting' AND earlier.position < outbox.position)`,
          params: [id, part, owner, until, now],
          expectChanges: 1,
        },
      ])
      if (!isOurs) return null
      const [row] = await database.query('SELECT fence, unknown FROM outbox WHERE id = $1 AND part = $2 AND owner = $3', [id, part, owner])
      return row === undefined ? null : { fence: integer(row, 'fence'), mayRepeat: integer(row, 'unknown') > 0 }
    },
    async renew(parts, { owner, until }) {
      if (parts.length === 0) return
      const each = parts.map((_, index) => `(id = $${3 + index * 3} AND part = $${4 + index * 3} AND fence = $${5 + index * 3})`)
      // What was settled or postponed meanwhile has no lease, and gets none.
      const sql = `UPDATE outbox SET lease_until = $2 WHERE owner = $1 AND status = 'waiting' AND lease_until IS NOT NULL AND (${each.join(' OR ')})`
      await database.commit([{ sql, params: [owner, until, ...parts.flatMap(({ id, part, fence }) => [id, part, fence])] }])
    },
    sent: ({ id, part, fence }, now) =>
      database.commit([
        {
          sql: `UPDATE outbox SET status = 'sent', text = NULL, why = NULL, settled_at = $4, owner = NULL, lease_until = NULL
            WHERE id = $1 AND part = $2 AND fence = $3 AND status = 'waiting'`,
          params: [id, part, fence, now],
          expectChanges: 1,
        },
      ]),
    postpone: ({ id, part, fence }, { dueAt, why, isUnknown }) =>
      database.commit([
        {
          sql: `UPDATE outbox SET due_at = $4, why = $5, unknown = unknown + $6, owner = NULL, lease_until = NULL WHERE id = $1 AND part = $2 AND fence = $3 AND status = 'waiting'`,
          params: [id, part, fence, dueAt, why, isUnknown ? 1 : 0],
          expectChanges: 1,
        },
      ]),
    kill: ({ id, part, fence }, why, now) =>
      database.commit([
        {
          sql: `UPDATE outbox SET status = 'dead', why = $4, settled_at = $5, owner = NULL, lease_until = NULL WHERE id = $1 AND part = $2 AND fence = $3 AND status = 'waiting'`,
          params: [id, part, fence, why, now],
          expectChanges: 1,
        },
        { sql: `UPDATE outbox SET status = 'dead', why = $2, settled_at = $3 WHERE id = $1 AND status = 'waiting'`, params: [id, why, now] },
        {
          sql: `DELETE FROM outbox WHERE status = 'dead' AND NOT ${MAY_COME_AGAIN} AND position <= coalesce(
            (SELECT position FROM outbox WHERE status = 'dead' ORDER BY position DESC LIMIT 1 OFFSET ${MAX_DEAD}), -1)`,
          params: [],
        },
      ]),
    releaseAll: () => database.commit([{ sql: `UPDATE outbox SET lease_until = 0 WHERE status = 'waiting' AND lease_until > 0`, params: [] }]),
    get: async (id) => (await entries('WHERE outbox.id = $1 GROUP BY outbox.id', [id]))[0] ?? null,
    async texts(id) {
      const rows = await database.query('SELECT id, part, text FROM outbox WHERE id = $1 AND text IS NOT NULL ORDER BY part', [id])
      return rows.map(opened)
    },
    list({ status, to, limit }) {
      const where = [...(status === undefined ? [] : [`outbox.id IN (${OF_STATUS[status]})`]), ...(to === undefined ? [] : ['destination = $2'])]
      return entries(`${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`} GROUP BY outbox.id ORDER BY 2 DESC LIMIT $1`, [
        limit,
        ...(to === undefined ? [] : [to]),
      ])
    },
    async retry(id, { now, expiresAt }) {
      const sql = `UPDATE outbox SET status = 'waiting', attempts = 0, due_at = $2, expires_at = $3, settled_at = NULL WHERE id = $1 AND status = 'dead'`
      const dead = await database.query(`SELECT part FROM outbox WHERE id = $1 AND status = 'dead'`, [id])
      return dead.length > 0 && changed([{ sql, params: [id, now, expiresAt], expectChanges: dead.length }])
    },
    async drop(id, now) {
      const open = `id = $1 AND status IN ('waiting', 'dead')`
      const kept = await database.query(`SELECT part FROM outbox WHERE ${open}`, [id])
      const sql = `UPDATE outbox SET status = 'dropped', text = NULL, settled_at = $2, owner = NULL, lease_until = NULL, fence = fence + 1 WHERE ${open}`
      return kept.length > 0 && changed([{ sql, params: [id, now], expectChanges: kept.length }])
    },
  }
}

/** Part of the commit that forgets a conversation: what it sent, but for what is still on its way. */
export function forgetSettled(sessionId: string): Statement {
  return { sql: `DELETE FROM outbox WHERE session_id = $1 AND status <> 'waiting'`, params: [sessionId] }
}

function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

function toPart(row: Row, content: string): QueuedPart {
  return {
    ...factsOf(row),
    lane: text(row, 'lane'),
    part: integer(row, 'part'),
    parts: integer(row, 'parts'),
    text: content,
    attempts: integer(row, 'attempts'),
    dueAt: integer(row, 'due_at'),
    leaseUntil: integerOrNull(row, 'lease_until'),
  }
}

function toEntry(row: Row): OutboxEntry {
  const sent = integer(row, 'sent')
  return {
    ...factsOf(row),
    sessionKey: textOrNull(row, 'session_key'),
    status: integer(row, 'dead') > 0 ? 'dead' : integer(row, 'waiting') > 0 ? 'waiting' : integer(row, 'dropped') > 0 ? 'dropped' : 'sent',
    parts: integer(row, 'parts'),
    sentParts: sent,
    attempts: integer(row, 'attempts'),
    mayRepeat: integer(row, 'unknown') > 0,
    why: textOrNull(row, 'why'),
    dueAt: integerOrNull(row, 'due_at'),
    settledAt: integerOrNull(row, 'settled_at'),
    bytes: integer(row, 'bytes'),
  }
}

function factsOf(row: Row) {
  const purpose = text(row, 'purpose')
  if (!isPurpose(purpose)) throw new AppError('store/corrupt', 'a message has no purpose')
  return {
    id: text(row, 'id'),
    key: text(row, 'key'),
    to: text(row, 'destination'),
    purpose,
    turnId: textOrNull(row, 'turn_id'),
    createdAt: integer(row, 'created_at'),
    expiresAt: integer(row, 'expires_at'),
  }
}

function isPurpose(value: string): value is MessagePurpose {
  return messagePurposes.some((purpose) => purpose === value)
}
