/** What nodes tell each other of jobs and tasks, for some minutes. */
import type { Signal } from '../contracts/cluster.ts'
import type { Database, Row, Signals } from '../contracts/store.ts'
import type { KeptWork, WorkEvent, WorkLog } from '../contracts/work.ts'
import { newId } from '../std/ids.ts'
import { integer, isObject, json, text } from './rows.ts'

/** Any number that nobody else uses in this database. */
const ORDER_LOCK = 7_230_032

export function createWorkLog(database: Database, signals: Signals): WorkLog {
  const { texts } = database
  function read(row: Row): WorkEvent | null {
    try {
      return json(texts.open('work_events.data', text(row, 'id'), text(row, 'data')), isWorkEvent)
    } catch {
      return null
    }
  }
  return {
    append(event, node, now) {
      const id = newId('work', now)
      return database.commit([
        // Positions are seen in the order in which they are given: whoever has read up to one has missed none before it.
        { sql: `SELECT pg_advisory_xact_lock(${ORDER_LOCK})`, params: [] },
        { sql: 'SET LOCAL synchronous_commit = off', params: [] },
        { sql: 'INSERT INTO work_events (id, data, at) VALUES ($1, $2, $3)', params: [id, texts.seal('work_events.data', id, JSON.stringify(event)), now] },
        signals.statement(JSON.stringify({ kind: 'work', node } satisfies Signal)),
      ])
    },
    async after(position, limit) {
      const rows = await database.query('SELECT position, id, data FROM work_events WHERE position > $1 ORDER BY position LIMIT $2', [position, limit])
      return rows.map((row): KeptWork => {
        return { position: integer(row, 'position'), event: read(row) }
      })
    },
    async last() {
      const [row] = await database.query('SELECT coalesce(max(position), 0) AS position FROM work_events', [])
      return row === undefined ? 0 : integer(row, 'position')
    },
    prune: (before) => database.commit([{ sql: 'DELETE FROM work_events WHERE at < $1', params: [before] }]),
  }
}

function isWorkEvent(value: unknown): value is WorkEvent {
  if (!isObject(value) || typeof value['action'] !== 'string') return false
  return value['kind'] === 'job' ? isObject(value['job']) && 'run' in value : value['kind'] === 'task' && isObject(value['task'])
}
