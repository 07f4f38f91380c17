import type { RefusalStore } from '../contracts/approval-store.ts'
import type { RefusalRecord } from '../contracts/approval.ts'
import type { Database, Row, Texts } from '../contracts/store.ts'
import { integer, text, textOrNull } from './rows.ts'

const MAX_REFUSALS = 10_000
const MAX_TEXT = 4096

const SELECT = 'SELECT refusals.*, sessions.key AS session_key FROM refusals LEFT JOIN sessions ON sessions.id = refusals.session_id'

export function createRefusalStore(database: Database): RefusalStore {
  const { texts } = database
  const sealed = (column: string, id: string, source: string) => texts.seal(`refusals.${column}`, id, cut(source))
  return {
    keep: ({ id, turnId, sessionId, checkpoint, rule, tool, effectId, why, evidence, hint, at }) =>
      database.commit([
        {
          sql: `INSERT INTO refusals (id, turn_id, session_id, effect_id, checkpoint, rule, tool, why, evidence, hint, at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          params: [
            id,
            turnId,
            sessionId,
            effectId,
            checkpoint,
            rule,
            tool,
            sealed('why', id, why),
            evidence === null ? null : sealed('evidence', id, evidence),
            hint === null ? null : sealed('hint', id, hint),
            at,
          ],
        },
        { sql: `DELETE FROM refusals WHERE position <= (SELECT max(position) FROM refusals) - ${MAX_REFUSALS}`, params: [] },
      ]),
    about: async (id, limit) =>
      (await database.query(`${SELECT} WHERE refusals.id = $1 OR turn_id = $1 OR effect_id = $1 ORDER BY position DESC LIMIT $2`, [id, limit])).map((row) =>
        toRefusal(texts, row),
      ),
    newest: async (limit) => (await database.query(`${SELECT} ORDER BY position DESC LIMIT $1`, [limit])).map((row) => toRefusal(texts, row)),
  }
}

function cut(source: string): string {
  return source.length > MAX_TEXT ? `${source.slice(0, MAX_TEXT).toWellFormed()}…` : source
}

function toRefusal(texts: Texts, row: Row): RefusalRecord {
  const id = text(row, 'id')
  const evidence = textOrNull(row, 'evidence')
  const hint = textOrNull(row, 'hint')
  return {
    id,
    turnId: textOrNull(row, 'turn_id'),
    sessionKey: textOrNull(row, 'session_key'),
    checkpoint: text(row, 'checkpoint'),
    rule: text(row, 'rule'),
    tool: textOrNull(row, 'tool'),
    effectId: textOrNull(row, 'effect_id'),
    why: texts.open('refusals.why', id, text(row, 'why')),
    evidence: evidence === null ? null : texts.open('refusals.evidence', id, evidence),
    hint: hint === null ? null : texts.open('refusals.hint', id, hint),
    at: integer(row, 'at'),
  }
}
