/** Questions to the owner, his answers, and his standing words. What stands in `data` never changes; what an answer changes are columns. */
import type { ApprovalStore } from '../contracts/approval-store.ts'
import type { Approval, ApprovalStatus, Decided, Grant, ShadowCall } from '../contracts/approval.ts'
import { AppError } from '../contracts/errors.ts'
import type { Database, Row, Statement, Texts } from '../contracts/store.ts'
import { integer, isObject, json, text, textOrNull } from './rows.ts'
import { assertHeld, releaseTurn } from './turn-leases.ts'
import { stands } from './stands.ts'

const MAX_DUE = 1000
const MAX_UNTOLD = 1000
const MAX_OF_TURN = 1000
const MAX_GRANTS = 1000
const MAX_SHADOW = 10_000
const STATUSES: readonly string[] = ['pending', 'allowed', 'denied', 'expired', 'cancelled'] satisfies readonly ApprovalStatus[]

const SELECT = `SELECT approvals.*, sessions.key AS session_key FROM approvals LEFT JOIN sessions ON sessions.id = approvals.session_id`

export function createApprovalStore(database: Database): ApprovalStore {
  const { texts } = database
  const approvals = async (where: string, params: readonly (string | number)[]) =>
    (await database.query(`${SELECT} ${where}`, params)).map((row) => toApproval(texts, row))
  const number = async (sql: string, params: readonly (string | number)[]) => {
    const [row] = await database.query(sql, params)
    return row === undefined || row['n'] === null ? null : integer(row, 'n')
  }

  return {
    async ask(turn, asked, maxPending) {
      if (await stands(database.commit([releaseTurn(turn), ...asked.map((approval) => askStatement(texts, approval, maxPending))]))) return true
      await assertHeld(database, turn)
      return false
    },
    get: async (id) => (await approvals('WHERE approvals.id = $1', [id]))[0] ?? null,
    async list({ status, sessionKey, limit }) {
      const where = `WHERE status = $1${sessionKey === undefined ? '' : ' AND sessions.key = $2'}`
      const params = [status, ...(sessionKey === undefined ? [] : [sessionKey])]
      const total = await number(`SELECT count(*) AS n FROM approvals LEFT JOIN sessions ON sessions.id = approvals.session_id ${where}`, params)
      return { approvals: await approvals(`${where} ORDER BY approvals.position LIMIT $${params.length + 1}`, [...params, limit]), total: total ?? 0 }
    },
    ofTurn: (turnId) => approvals(`WHERE turn_id = $1 ORDER BY approvals.position LIMIT ${MAX_OF_TURN}`, [turnId]),
    ofEffect: (effectId) => approvals(`WHERE effect_id = $1 ORDER BY approvals.position LIMIT ${MAX_OF_TURN}`, [effectId]),
    pending: async (turnId) => (await number(`SELECT count(*) AS n FROM approvals WHERE turn_id = $1 AND status = 'pending'`, [turnId])) ?? 0,
    due: (now) => approvals(`WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT ${MAX_DUE}`, [now]),
    nextExpiry: () => number(`SELECT min(expires_at) AS n FROM approvals WHERE status = 'pending'`, []),
    async untold(fresh) {
      const open = `WHERE status = 'pending' AND told_at IS NULL`
      const [none] = await database.query(`SELECT 1 AS found FROM approvals ${open} AND notice IS NULL LIMIT 1`, [])
      if (none !== undefined) await database.commit([{ sql: `UPDATE approvals SET notice = $1 ${open} AND notice IS NULL`, params: [fresh] }])
      const rows = await database.query(`${SELECT} ${open} AND notice IS NOT NULL ORDER BY approvals.position LIMIT ${MAX_UNTOLD}`, [])
      return [...Map.groupBy(rows, (row) => text(row, 'notice'))].map(([id, asked]) => ({ id, approvals: asked.map((row) => toApproval(texts, row)) }))
    },
    told: (notice, now) => database.commit([{ sql: 'UPDATE approvals SET told_at = $2 WHERE notice = $1 AND told_at IS NULL', params: [notice, now] }]),
    decide: (decisions, grants) =>
      database.commit([
        ...decisions.map(({ id, status, decided }) => ({
          sql: `UPDATE approvals SET status = $2, decision = $3, decided_at = $4 WHERE id = $1 AND status = 'pending'`,
          params: [id, status, texts.seal('approvals.decision', id, JSON.stringify(decided)), decided.at],
          expectChanges: 1,
        })),
        ...grants.map((grant) => grantStatement(texts, grant)),
      ]),
    cancelOrphans: (now) =>
      database.commit([
        {
          sql: `UPDATE approvals SET status = 'cancelled', decided_at = $1
            WHERE status = 'pending' AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = approvals.turn_id AND finished = 0)`,
          params: [now],
        },
      ]),
    async grants(scope) {
      const where = scope === undefined ? '' : 'WHERE session_id IS NULL OR session_id = $1'
      const params = scope === undefined ? [] : [scope.sessionId]
      return (await database.query(`SELECT * FROM grants ${where} ORDER BY position DESC LIMIT ${MAX_GRANTS}`, params)).map((row) => toGrant(texts, row))
    },
    async revoke(id) {
      const [row] = await database.query('SELECT * FROM grants WHERE id = $1', [id])
      if (row === undefined) return null
      await database.commit([{ sql: 'DELETE FROM grants WHERE id = $1', params: [id] }])
      return toGrant(texts, row)
    },
    keepShadow: (call) =>
      database.commit([
        {
          sql: 'INSERT INTO shadow_calls (id, tool, data, at) VALUES ($1, $2, $3, $4)',
          params: [call.id, call.tool, texts.seal('shadow_calls.data', call.id, JSON.stringify(call)), call.at],
        },
        { sql: `DELETE FROM shadow_calls WHERE position <= (SELECT max(position) FROM shadow_calls) - ${MAX_SHADOW}`, params: [] },
      ]),
    async shadow() {
      const rows = await database.query(`SELECT id, data FROM shadow_calls ORDER BY position DESC LIMIT ${MAX_SHADOW}`, [])
      return rows.map((row) => json(texts.open('shadow_calls.data', text(row, 'id'), text(row, 'data')), isShadowCall))
    },
  }
}

/** Part of the commit that ends a turn: nobody waits for an answer any more. */
export function cancelQuestions(turnId: string, now: number): Statement {
  return {
    sql: `UPDATE approvals SET status = 'cancelled', decided_at = $2 WHERE turn_id = $1 AND status = 'pending'`,
    params: [turnId, now],
  }
}

/** Part of the commit that forgets a conversation: what was asked in it, and what was allowed for it alone. */
export function forgetQuestions(sessionId: string): readonly Statement[] {
  return ['approvals', 'grants', 'refusals'].map((table) => ({ sql: `DELETE FROM ${table} WHERE session_id = $1`, params: [sessionId] }))
}

function cancelled(at: number): Decided {
  return { at, by: 'gateway', door: 'gateway', unlock: null, input: null, hash: null, note: null }
}

/** Kept only while fewer than `maxPending` wait: another number of changed rows rolls the whole commit back. */
function askStatement(texts: Texts, approval: Approval, maxPending: number): Statement {
  const { id, turnId, sessionId, group, callId, effectId, tool, hash, createdAt, expiresAt, input, binding, effect, destinations, shown, holds, unlocks } =
    approval
  const data = texts.seal('approvals.data', approval.id, JSON.stringify({ input, binding, effect, destinations, shown, holds, unlocks }))
  return {
    sql: `INSERT INTO approvals (id, turn_id, session_id, batch, call_id, effect_id, tool, hash, status, data, created_at, expires_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11 WHERE (SELECT count(*) FROM approvals WHERE status = 'pending') < $12`,
    params: [id, turnId, sessionId, group, callId, effectId, tool, hash, data, createdAt, expiresAt, maxPending],
    expectChanges: 1,
  }
}

function grantStatement(texts: Texts, { id, unlock, tool, sessionId, values, shape, approvalId, createdAt }: Grant): Statement {
  return {
    sql: 'INSERT INTO grants (id, unlock, tool, session_id, data, shape, approval_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
    params: [
      id,
      unlock,
      tool,
      sessionId,
      texts.seal('grants.data', id, JSON.stringify(values)),
      shape === null ? null : texts.seal('grants.shape', id, shape),
      approvalId,
      createdAt,
    ],
  }
}

function toApproval(texts: Texts, row: Row): Approval {
  const id = text(row, 'id')
  const status = statusOf(text(row, 'status'))
  const decision = textOrNull(row, 'decision')
  return {
    ...json(texts.open('approvals.data', id, text(row, 'data')), isAsked),
    id,
    callId: text(row, 'call_id'),
    tool: text(row, 'tool'),
    hash: text(row, 'hash'),
    effectId: text(row, 'effect_id'),
    turnId: text(row, 'turn_id'),
    sessionId: textOrNull(row, 'session_id'),
    sessionKey: textOrNull(row, 'session_key'),
    group: text(row, 'batch'),
    status,
    createdAt: integer(row, 'created_at'),
    expiresAt: integer(row, 'expires_at'),
    decision:
      decision === null
        ? status === 'cancelled'
          ? cancelled(integer(row, 'decided_at'))
          : null
        : json(texts.open('approvals.decision', id, decision), isDecided),
  }
}

function toGrant(texts: Texts, row: Row): Grant {
  const unlock = text(row, 'unlock')
  if (unlock !== 'session' && unlock !== 'destination' && unlock !== 'always') throw new AppError('store/corrupt', 'a grant of no known reach')
  const id = text(row, 'id')
  const shape = textOrNull(row, 'shape')
  return {
    id,
    unlock,
    tool: text(row, 'tool'),
    sessionId: textOrNull(row, 'session_id'),
    values: json(texts.open('grants.data', id, text(row, 'data')), isTexts),
    shape: shape === null ? null : texts.open('grants.shape', id, shape),
    approvalId: text(row, 'approval_id'),
    createdAt: integer(row, 'created_at'),
  }
}

function statusOf(status: string): ApprovalStatus {
  if (!isStatus(status)) throw new AppError('store/corrupt', 'an approval of no known status')
  return status
}

function isStatus(value: string): value is ApprovalStatus {
  return STATUSES.includes(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isAsked(value: unknown): value is Pick<Approval, 'input' | 'binding' | 'effect' | 'destinations' | 'shown' | 'holds' | 'unlocks'> {
  return (
    isObject(value) &&
    'input' in value &&
    'binding' in value &&
    typeof value['effect'] === 'string' &&
    isTexts(value['destinations']) &&
    isTexts(value['shown']) &&
    Array.isArray(value['holds']) &&
    isTexts(value['unlocks'])
  )
}

function isDecided(value: unknown): value is Decided {
  return isObject(value) && typeof value['at'] === 'number' && typeof value['by'] === 'string' && 'input' in value && 'hash' in value
}

function isShadowCall(value: unknown): value is ShadowCall {
  return isObject(value) && typeof value['tool'] === 'string' && isTexts(value['destinations']) && isTexts(value['rules'])
}
