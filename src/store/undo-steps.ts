/** What writes can be taken back; the copies of files are in `undo-log.ts`. */
import type { Database, Row, Texts } from '../contracts/store.ts'
import type { Change, UndoStep, UndoStore } from '../contracts/undo.ts'
import { integer, isObject, json, text, textOrNull } from './rows.ts'

const STEPS = `SELECT undo_steps.id AS id, turn_id, sessions.key AS session_key, tool, undo_steps.summary AS summary, change, at, undone_at
  FROM undo_steps LEFT JOIN sessions ON sessions.id = undo_steps.session_id`

export function createUndoStore(database: Database): UndoStore {
  const { texts } = database
  const toStep = (row: Row): UndoStep => stepOf(row, texts)
  const one = async (where: string, params: readonly string[]) => {
    const [row] = await database.query(`${STEPS} WHERE ${where} ORDER BY position DESC LIMIT 1`, params)
    return row === undefined ? null : toStep(row)
  }
  return {
    async add({ turnId, callId, effectId, sessionId, tool }, { id, summary, change, at }) {
      const copy = change.kind === 'file' || change.kind === 'move' ? change.before : null
      const written = JSON.stringify(change)
      await database.commit([
        {
          sql: `INSERT INTO undo_steps (id, turn_id, call_id, effect_id, session_id, tool, summary, change, copy, bytes, at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          params: [
            id,
            turnId,
            callId,
            effectId,
            sessionId,
            tool,
            texts.seal('undo_steps.summary', id, summary),
            texts.seal('undo_steps.change', id, written),
            copy?.name ?? null,
            (copy?.bytes ?? 0) + written.length,
            at,
          ],
        },
      ])
    },
    find: ({ turnId, callId, effectId }) => one('turn_id = $1 AND call_id = $2 AND effect_id = $3', [turnId, callId, effectId]),
    get: (id) => one('undo_steps.id = $1', [id]),
    async list({ limit, turnId }) {
      const rows = await database.query(`${STEPS} ${turnId === undefined ? '' : 'WHERE turn_id = $2'} ORDER BY position DESC LIMIT $1`, [
        limit,
        ...(turnId === undefined ? [] : [turnId]),
      ])
      return rows.map(toStep)
    },
    markUndone: (id, at) => database.commit([{ sql: 'UPDATE undo_steps SET undone_at = $2 WHERE id = $1', params: [id, at] }]),
    async totals() {
      const [row] = await database.query('SELECT count(*) AS steps, coalesce(sum(bytes), 0) AS bytes FROM undo_steps', [])
      return row === undefined ? { steps: 0, bytes: 0 } : { steps: integer(row, 'steps'), bytes: integer(row, 'bytes') }
    },
    async copies() {
      return (await database.query('SELECT copy FROM undo_steps WHERE copy IS NOT NULL', [])).map((row) => text(row, 'copy'))
    },
    async prune({ since, maxSteps, maxBytes }) {
      const rows = await database.query(
        `SELECT position, copy FROM (
          SELECT position, copy, at, row_number() OVER (ORDER BY position DESC) AS place, sum(bytes) OVER (ORDER BY position DESC) AS total FROM undo_steps
        ) AS ranked WHERE place > 1 AND (at < $1 OR place > $2 OR total > $3) ORDER BY position DESC`,
        [since, maxSteps, maxBytes],
      )
      if (rows.length === 0) return []
      await database.commit(rows.map((row) => ({ sql: 'DELETE FROM undo_steps WHERE position = $1', params: [integer(row, 'position')] })))
      return rows.flatMap((row) => textOrNull(row, 'copy') ?? [])
    },
  }
}

function stepOf(row: Row, texts: Texts): UndoStep {
  const id = text(row, 'id')
  return {
    id,
    turnId: text(row, 'turn_id'),
    sessionKey: textOrNull(row, 'session_key'),
    tool: text(row, 'tool'),
    summary: texts.open('undo_steps.summary', id, text(row, 'summary')),
    change: json(texts.open('undo_steps.change', id, text(row, 'change')), isChange),
    at: integer(row, 'at'),
    undoneAt: row['undone_at'] === null ? null : integer(row, 'undone_at'),
  }
}

function isChange(value: unknown): value is Change {
  if (!isObject(value) || typeof value['after'] !== 'string' || !(value['before'] === null || isObject(value['before']))) return false
  if (value['kind'] === 'memory') return typeof value['key'] === 'string'
  if (value['kind'] === 'job') return typeof value['name'] === 'string'
  if (value['kind'] === 'task') return typeof value['id'] === 'string'
  return value['kind'] === 'file' ? isPlace(value['place']) : value['kind'] === 'move' && isPlace(value['from']) && isPlace(value['to'])
}

function isPlace(value: unknown): boolean {
  return isObject(value) && typeof value['root'] === 'string' && typeof value['path'] === 'string'
}
