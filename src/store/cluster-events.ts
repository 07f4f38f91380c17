/** Events of turns, for clients of other nodes and for those that come back. They are flushed to no disk: what they told stands in the journal. */
import type { EventLog, KeptEvent, Signal } from '../contracts/cluster.ts'
import type { Database, Signals } from '../contracts/store.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { integer, isObject, json, text } from './rows.ts'
import { fenced } from './turn-leases.ts'

const PRUNED_AT_ONCE = 5000
/** More than a database keeps in the minute between two looks. */
const MAX_ROUNDS = 200

export function eventRow(turnId: string, seq: number): string {
  return `${turnId}/${seq}`
}

export function createEventLog(database: Database, signals: Signals): EventLog {
  const { texts } = database
  return {
    append: ({ turnId, sessionKey, fence }, events, node, now) => {
      const seq = events.at(-1)?.seq ?? 0
      const signal: Signal = { kind: 'events', turn: turnId, session: sessionKey, seq, node }
      return fenced(
        database.commit([
          { sql: 'SET LOCAL synchronous_commit = off', params: [] },
          ...events.map((kept) => ({
            sql: 'INSERT INTO turn_events (turn_id, seq, data, at) SELECT $1, $2, $3, $4 FROM turns WHERE turns.id = $1 AND turns.fence = $5',
            params: [turnId, kept.seq, texts.seal('turn_events.data', eventRow(turnId, kept.seq), JSON.stringify(kept.event)), now, fence],
            expectChanges: 1,
          })),
          signals.statement(JSON.stringify(signal)),
        ]),
      )
    },
    async after(turnId, seq, limit) {
      const rows = await database.query('SELECT seq, data FROM turn_events WHERE turn_id = $1 AND seq > $2 ORDER BY seq LIMIT $3', [turnId, seq, limit])
      return rows.map((row): KeptEvent => {
        const number = integer(row, 'seq')
        return { seq: number, event: json(texts.open('turn_events.data', eventRow(turnId, number), text(row, 'data')), isEvent) }
      })
    },
    async last(turnId) {
      const [row] = await database.query('SELECT coalesce(max(seq), 0) AS seq FROM turn_events WHERE turn_id = $1', [turnId])
      return row === undefined ? 0 : integer(row, 'seq')
    },
    async prune(before) {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const [row] = await database.query(
          `WITH gone AS (DELETE FROM turn_events WHERE (turn_id, seq) IN (SELECT turn_id, seq FROM turn_events WHERE at < $1 LIMIT ${PRUNED_AT_ONCE}) RETURNING 1)
            SELECT count(*)::int8 AS count FROM gone`,
          [before],
        )
        if (row === undefined || integer(row, 'count') < PRUNED_AT_ONCE) return
      }
    },
  }
}

const TYPES = new Set([
  'turn-started',
  'text-delta',
  'reasoning-delta',
  'model-switched',
  'model-retried',
  'tool-started',
  'tool-finished',
  'approval-requested',
  'turn-finished',
])

function isEvent(value: unknown): value is TurnEvent {
  return isObject(value) && typeof value['type'] === 'string' && TYPES.has(value['type'])
}
