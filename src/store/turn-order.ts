import type { Signal, TurnOrder } from '../contracts/cluster.ts'
import type { Database, Signals, Statement } from '../contracts/store.ts'
import { ASLEEP } from '../contracts/turn-lease.ts'
import { text } from './rows.ts'

/** Nothing that came before it in its conversation is open. Accepting and ending a turn both change the row of the conversation, so that none is overlooked between them. */
export const IS_NEXT = `NOT EXISTS (SELECT 1 FROM turns AS earlier
  WHERE earlier.session_id = turns.session_id AND earlier.finished = 0 AND earlier.position < turns.position)`
const WAITS_FOR_NOBODY = `NOT EXISTS (SELECT 1 FROM approvals WHERE approvals.turn_id = turns.id AND approvals.status = 'pending')`

/** Told at once; a notification of PostgreSQL holds 8,000 bytes. */
const MAX_TOLD = 100
const MAX_REASON = 500

export function markCancelled(turnIds: readonly string[]): readonly Statement[] {
  return turnIds.map((id) => ({ sql: 'UPDATE turns SET cancelled = 1 WHERE id = $1 AND finished = 0', params: [id] }))
}

export function createTurnOrder(database: Database, signals: Signals): TurnOrder {
  const ids = async (sql: string, params: readonly (string | number)[]) => (await database.query(sql, params)).map((row) => text(row, 'id'))
  return {
    async next(sessionId) {
      const sql = `SELECT id FROM turns WHERE session_id = $1 AND finished = 0 AND owner IS NULL AND ${IS_NEXT} AND ${WAITS_FOR_NOBODY} LIMIT 1`
      return (await ids(sql, [sessionId]))[0] ?? null
    },
    left: (limit) =>
      ids(`SELECT id FROM turns WHERE finished = 0 AND owner IS NULL AND ${IS_NEXT} AND ${WAITS_FOR_NOBODY} ORDER BY position LIMIT $1`, [limit]),
    takeLapsed: ({ owner, until }, now, limit) =>
      ids(
        `UPDATE turns SET owner = $1, lease_until = $2, fence = fence + 1 WHERE id IN
          (SELECT id FROM turns WHERE finished = 0 AND lease_until <= $3 ORDER BY lease_until, position LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id`,
        [owner, until, now, limit],
      ),
    held: (owner) => ids('SELECT id FROM turns WHERE finished = 0 AND owner = $1', [owner]),
    release: (turnId, owner) =>
      database.commit([{ sql: 'UPDATE turns SET owner = NULL, lease_until = NULL WHERE id = $1 AND owner = $2 AND finished = 0', params: [turnId, owner] }]),
    async cancel(turnIds, reason) {
      for (let from = 0; from < turnIds.length; from += MAX_TOLD) {
        const turns = turnIds.slice(from, from + MAX_TOLD)
        const told: Signal = { kind: 'abort', turns, reason: reason.slice(0, MAX_REASON) }
        await database.commit([...markCancelled(turns), signals.statement(JSON.stringify(told))])
      }
    },
    async cancelled(owner, limit) {
      const rows = await database.query(
        `SELECT id, owner FROM turns WHERE cancelled = 1 AND finished = 0 AND (owner IS NULL OR owner = $1 OR owner = '${ASLEEP}') ORDER BY id LIMIT $2`,
        [owner, limit],
      )
      return rows.map((row) => ({ turnId: text(row, 'id'), isHeld: row['owner'] === owner }))
    },
    open: (target) =>
      'turnId' in target
        ? ids('SELECT id FROM turns WHERE id = $1 AND finished = 0', [target.turnId])
        : ids('SELECT turns.id AS id FROM turns JOIN sessions ON sessions.id = turns.session_id WHERE sessions.key = $1 AND finished = 0 ORDER BY position', [
            target.sessionKey,
          ]),
  }
}
