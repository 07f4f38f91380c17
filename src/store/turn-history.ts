/** What is left of turns, for the owner: read from the rows that the journal made anyway. */
import type { ErrorCode } from '../contracts/errors.ts'
import { AppError } from '../contracts/errors.ts'
import type { Database, Row, Texts } from '../contracts/store.ts'
import { ASLEEP } from '../contracts/turn-lease.ts'
import type { StoryLine, TurnHistory, TurnOverview, TurnState } from '../contracts/turn-story.ts'
import { integer, isMessage, isObject, json, text, textOrNull } from './rows.ts'
import { entryRow } from './sealed-columns.ts'
import { stands } from './stands.ts'

const MAX_LINES = 10_000
const OVERVIEW = `SELECT turns.id AS id, turns.session_id AS session_id, request, result, begun, finished, accepted_at, fence, owner, lease_until, sessions.key AS session_key,
    (SELECT count(*) FROM approvals WHERE approvals.turn_id = turns.id AND approvals.status = 'pending') AS questions
  FROM turns LEFT JOIN sessions ON sessions.id = turns.session_id`
const KINDS: Readonly<Record<string, Exclude<StoryLine['kind'], 'began'>>> = {
  user: 'asked',
  'handed-in': 'asked',
  assistant: 'answered',
  tool: 'returned',
  reply: 'replied',
}

export function createTurnHistory(database: Database): TurnHistory {
  const { texts } = database
  return {
    async list({ limit, sessionKey, isOpen = false }) {
      const where = [...(sessionKey === undefined ? [] : ['sessions.key = $2']), ...(isOpen ? ['turns.finished = 0'] : [])]
      const rows = await database.query(`${OVERVIEW} ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`} ORDER BY turns.position DESC LIMIT $1`, [
        limit,
        ...(sessionKey === undefined ? [] : [sessionKey]),
      ])
      return rows.map((row) => overview(texts, row))
    },

    async get(turnId) {
      const [row] = await database.query(`${OVERVIEW} WHERE turns.id = $1`, [turnId])
      return row === undefined ? null : overview(texts, row)
    },

    async story(turnId) {
      const rows = await database.query(`SELECT kind, data, at FROM entries WHERE turn_id = $1 ORDER BY id LIMIT ${MAX_LINES}`, [turnId])
      return rows.map((row) => line(texts, turnId, row))
    },

    async reopen(turnId) {
      const [row] = await database.query('SELECT session_id, result FROM turns WHERE id = $1 AND finished = 1', [turnId])
      if (row === undefined || resultOf(texts, turnId, row).status === 'completed') return false
      return stands(
        database.commit([
          {
            // Nobody holds it; a worker that ended it has an older fence than whoever takes it now.
            sql: `UPDATE turns SET finished = 0, cancelled = 0, result = NULL, owner = NULL, lease_until = NULL WHERE id = $1 AND finished = 1 AND (session_id IS NULL OR NOT EXISTS (
              SELECT 1 FROM turns AS later WHERE later.session_id = turns.session_id AND later.position > turns.position AND later.begun = 1))`,
            params: [turnId],
            expectChanges: 1,
          },
          {
            sql: `UPDATE sessions SET message_count = message_count - (SELECT count(*) FROM entries WHERE turn_id = $1 AND kind = 'reply') WHERE id = $2`,
            params: [turnId, row['session_id'] ?? null],
          },
          // What it said at its end is no part of the conversation any more, and what it used is counted again with the next.
          { sql: `DELETE FROM entries WHERE turn_id = $1 AND kind = 'reply'`, params: [turnId] },
          { sql: 'DELETE FROM usage WHERE turn_id = $1', params: [turnId] },
        ]),
      )
    },
  }
}

interface Ended {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly model: string
  readonly durationMs: number
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

function overview(texts: Texts, row: Row): TurnOverview {
  const turnId = text(row, 'id')
  const isEnded = integer(row, 'finished') === 1
  const ended = isEnded ? resultOf(texts, turnId, row) : null
  const questions = integer(row, 'questions')
  const request = json(texts.open('turns.request', turnId, text(row, 'request')), isObject)
  return {
    turnId,
    sessionId: textOrNull(row, 'session_id'),
    sessionKey: textOrNull(row, 'session_key'),
    fence: integer(row, 'fence'),
    door: typeof request['door'] === 'string' ? request['door'] : '',
    acceptedAt: integer(row, 'accepted_at'),
    state: ended?.status ?? openState(row, questions),
    wakesAt: !isEnded && row['owner'] === ASLEEP ? integer(row, 'lease_until') : null,
    questions,
    error: ended?.error ?? null,
    model: ended?.model ?? '',
    durationMs: ended?.durationMs ?? null,
  }
}

function openState(row: Row, questions: number): TurnState {
  if (row['owner'] === ASLEEP) return 'waiting'
  if (row['owner'] === null) return questions > 0 ? 'waiting' : 'left'
  return integer(row, 'begun') === 1 ? 'running' : 'queued'
}

function resultOf(texts: Texts, turnId: string, row: Row): Ended {
  return json(texts.open('turns.result', turnId, text(row, 'result')), isEnded)
}

function isEnded(value: unknown): value is Ended {
  return (
    isObject(value) &&
    (value['status'] === 'completed' || value['status'] === 'failed' || value['status'] === 'cancelled') &&
    typeof value['model'] === 'string' &&
    typeof value['durationMs'] === 'number'
  )
}

function line(texts: Texts, turnId: string, row: Row): StoryLine {
  const [kind, at] = [text(row, 'kind'), integer(row, 'at')]
  const source = texts.open('entries.data', entryRow(turnId, kind, at), text(row, 'data'))
  if (kind === 'intent') return { kind: 'began', at, ...json(source, isBeginning) }
  const told = KINDS[kind]
  if (told === undefined) throw new AppError('store/corrupt', 'a line of no known kind')
  return { kind: told, at, message: json(source, isMessage) }
}

function isBeginning(value: unknown): value is { readonly tool: string; readonly callId: string; readonly effectId: string } {
  return isObject(value) && typeof value['tool'] === 'string' && typeof value['callId'] === 'string' && typeof value['effectId'] === 'string'
}
