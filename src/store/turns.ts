/**
 * The journal of turns. Its rows are the conversation at the same time (`kind`: user, assistant, intent, tool, reply). A stateless turn has no session: its whole request
 * stays in the turn's row.
 */
import { AppError } from '../contracts/errors.ts'
import type { JobClaim } from '../contracts/schedule.ts'
import type { TaskClaim } from '../contracts/task.ts'
import { joinTexts, textOf, type Message } from '../contracts/message.ts'
import { messageTokens } from '../contracts/message-tokens.ts'
import {
  type Database,
  type JournalStep,
  type JournaledMessage,
  NO_TAINT,
  type Row,
  type SqlValue,
  type Statement,
  type StoredTurn,
  type Texts,
  type TurnEnd,
  type TurnStore,
  type Written,
} from '../contracts/store.ts'
import { taintOf } from '../contracts/taint.ts'
import { outcomesOf } from '../contracts/tool-outcomes.ts'
import { FIRST_FENCE, type HeldTurn } from '../contracts/turn-lease.ts'
import type { InboundMessage, TurnResult } from '../contracts/turn.ts'
import { cancelQuestions } from './approvals.ts'
import { claimStatements } from './jobs.ts'
import { takeTask } from './tasks.ts'
import { integer, isMessage, isObject, json, text, textOrNull } from './rows.ts'
import { entryRow } from './sealed-columns.ts'
import { touchSession } from './sessions.ts'
import { createTurnHistory } from './turn-history.ts'
import { markCancelled } from './turn-order.ts'
import { createTurnLeases, fenced, whileHeld } from './turn-leases.ts'
import { isConflict, stands } from './stands.ts'

const DAY_MS = 86_400_000
const ENTRY = 'INSERT INTO entries (session_id, turn_id, kind, tokens, data, at)'
const INSERT_ENTRY = `${ENTRY} VALUES ($1, $2, $3, $4, $5, $6)`
const TURN = `SELECT turns.id AS id, session_id, request, accepted_at, fence, owner, cancelled, sessions.key AS session_key FROM turns
  LEFT JOIN sessions ON sessions.id = turns.session_id`

const ACCEPT = 'INSERT INTO turns (id, session_id, idempotency, begun, request, accepted_at, owner, lease_until, fence)'
const SESSION = '(SELECT id FROM sessions WHERE key = $2)'
const AFTER_THE_OTHERS = `SELECT $1, own.id, $3, CASE WHEN own.behind THEN 0 ELSE CAST($4 AS BIGINT) END, $5, $6, CASE WHEN own.behind THEN NULL ELSE $7 END,
    CASE WHEN own.behind THEN NULL ELSE CAST($8 AS BIGINT) END, ${FIRST_FENCE}
  FROM (SELECT mine.id AS id, EXISTS (SELECT 1 FROM turns WHERE turns.session_id = mine.id AND turns.finished = 0) AS behind FROM (SELECT ${SESSION} AS id) AS mine) AS own`

export function createTurnStore(database: Database): TurnStore {
  const { texts } = database
  const isShared = database.signals !== null
  // Whose turn it is, others may have decided: then it waits in the journal, for whoever ends the one before it.
  const accepting = isShared ? `${ACCEPT} ${AFTER_THE_OTHERS}` : `${ACCEPT} VALUES ($1, ${SESSION}, $3, $4, $5, $6, $7, $8, ${FIRST_FENCE})`
  const whatBecame = isShared ? 'SELECT session_id AS id, owner FROM turns WHERE id = $1' : 'SELECT id FROM sessions WHERE key = $1'
  const addWhileHeld = `${ENTRY} SELECT $1, $2, $3, $4, $5, $6 ${whileHeld(database, '$2', '$7')}`

  async function stepsOf(turnId: string): Promise<readonly Row[]> {
    const rows = await database.query('SELECT kind, data, tokens, at FROM entries WHERE turn_id = $1 ORDER BY id', [turnId])
    if (!texts.isSealed) return rows
    const opened = (row: Row) => texts.open('entries.data', entryRow(turnId, text(row, 'kind'), integer(row, 'at')), text(row, 'data'))
    return rows.map((row) => Object.assign(row, { data: opened(row) }))
  }

  async function resultOf(turnId: string): Promise<TurnResult | null> {
    const rows = await database.query('SELECT result FROM turns WHERE id = $1 AND finished = 1', [turnId])
    if (rows[0] === undefined) return null
    return { ...rebuild(await stepsOf(turnId)), ...json(texts.open('turns.result', turnId, text(rows[0], 'result')), isStoredResult) }
  }

  /** What a commit that failed has done all the same stands in the journal; else it throws that failure. */
  async function asWritten(turnId: string, error: unknown): Promise<Written> {
    try {
      const rows = await database.query('SELECT 1 AS found FROM turns WHERE id = $1', [turnId])
      if (rows.length > 0) return await database.write([{ sql: 'UPDATE turns SET begun = begun WHERE id = $1', params: [turnId], expectChanges: 1 }])
    } catch {
      // The store does not answer: that is said below.
    }
    throw error
  }

  /** Whether an earlier try of the same worker took effect, though it was told otherwise. Also asked by a commit, since that one need not have been flushed. */
  async function hasEnded({ turnId, sessionId, fence, result }: TurnEnd): Promise<boolean> {
    const [row] = await database.query('SELECT result FROM turns WHERE id = $1 AND finished = 1 AND fence = $2', [turnId, fence])
    if (row === undefined || texts.open('turns.result', turnId, text(row, 'result')) !== storedResult(sessionId, result)) return false
    const own = 'UPDATE turns SET finished = 1 WHERE id = $1 AND finished = 1 AND fence = $2'
    return stands(database.commit([{ sql: own, params: [turnId, fence], expectChanges: 1 }]))
  }

  async function earlier(idempotencyKey: string, error: unknown): Promise<JournaledMessage> {
    const rows = await database.query('SELECT id, session_id FROM turns WHERE idempotency = $1', [idempotencyKey])
    if (rows[0] === undefined) throw error
    return { repeatedOf: text(rows[0], 'id'), sessionId: textOrNull(rows[0], 'session_id'), isBehind: false, durable: async () => undefined }
  }

  return {
    leases: createTurnLeases(database),
    history: createTurnHistory(database),

    async accept({ turnId, request, now, queued, lease }) {
      const { sessionKey } = request
      // A key counts within its conversation: another one may use the same, and is not told what this one answered.
      const idempotencyKey = request.idempotencyKey === undefined ? undefined : JSON.stringify([sessionKey, request.idempotencyKey])
      const statements: Statement[] = request.claim === undefined ? [] : [...claimed(texts, request.claim, turnId, now)]
      if (idempotencyKey !== undefined) {
        // A key is free again after a day; until then the UNIQUE column refuses it, on every node.
        statements.push({ sql: 'UPDATE turns SET idempotency = NULL WHERE idempotency = $1 AND accepted_at <= $2', params: [idempotencyKey, now - DAY_MS] })
      }
      if (sessionKey !== null) statements.push(touchSession(sessionKey, 0, now))
      statements.push({
        sql: accepting,
        params: [
          turnId,
          sessionKey,
          idempotencyKey ?? null,
          Number(!queued),
          texts.seal('turns.request', turnId, JSON.stringify(request)),
          now,
          lease.owner,
          lease.until,
        ],
      })
      if (sessionKey !== null && !queued) statements.push(...lines(texts, turnId, request, now, isShared))
      let written: Written
      try {
        written = await database.write(statements)
      } catch (error) {
        if (!isConflict(error)) written = await asWritten(turnId, error)
        else if (idempotencyKey === undefined) throw error
        else return earlier(idempotencyKey, error)
      }
      const { durable } = written
      if (sessionKey === null) return { repeatedOf: null, sessionId: null, isBehind: false, durable }
      const [row] = await database.query(whatBecame, [isShared ? turnId : sessionKey])
      const sessionId = row === undefined ? null : textOrNull(row, 'id')
      return { repeatedOf: null, sessionId, isBehind: row !== undefined && 'owner' in row && row['owner'] === null, durable }
    },

    async begin({ turnId, fence }, request, now) {
      const rows = await database.query('SELECT begun FROM turns WHERE id = $1', [turnId])
      if (rows[0] === undefined || integer(rows[0], 'begun') === 1) return
      await fenced(
        database.commit([
          { sql: 'UPDATE turns SET begun = 1 WHERE id = $1 AND begun = 0 AND fence = $2', params: [turnId, fence], expectChanges: 1 },
          ...lines(texts, turnId, request, now),
        ]),
      )
    },

    append: (turn, steps, now) => {
      const added = (step: JournalStep) => ({ sql: addWhileHeld, params: [...entryOf(texts, turn, step, now), turn.fence], expectChanges: 1 })
      const shown = steps.flatMap((step) => (step.kind === 'tool-result' ? [step.message] : []))
      return fenced(database.commit([...steps.map(added), ...tainted('id', turn.sessionId, shown)]))
    },

    async finish(end) {
      if (!(await stands(database.commit(endStatements(texts, end)))) && !(await hasEnded(end))) throw new AppError('turn/lost')
    },

    cancel: (turnIds) => database.commit(markCancelled(turnIds)),
    async unfinished() {
      const rows = await database.query(`${TURN} WHERE finished = 0 ORDER BY turns.position`, [])
      return Promise.all(rows.map(async (row) => storedTurn(texts, row, await stepsOf(text(row, 'id')))))
    },

    async open(turnId) {
      const rows = await database.query(`${TURN} WHERE finished = 0 AND turns.id = $1`, [turnId])
      return rows[0] === undefined ? null : storedTurn(texts, rows[0], await stepsOf(turnId))
    },

    async record(turnId) {
      const rows = await database.query(`${TURN} WHERE turns.id = $1`, [turnId])
      if (rows[0] === undefined) return null
      const steps = await stepsOf(turnId)
      const reply = steps.find((row) => row['kind'] === 'reply')
      const first = await database.query(`SELECT min(id) AS id FROM entries WHERE turn_id = $1 AND kind <> 'user' AND kind <> 'handed-in'`, [turnId])
      return {
        ...storedTurn(texts, rows[0], steps),
        reply: reply === undefined ? null : json(text(reply, 'data'), isMessage),
        result: await resultOf(turnId),
        firstStepId: first[0] === undefined || first[0]['id'] === null ? null : integer(first[0], 'id'),
      }
    },

    result: resultOf,
  }
}

function entryOf(texts: Texts, { turnId, sessionId }: HeldTurn, step: JournalStep, now: number): readonly SqlValue[] {
  if (step.kind === 'tool-intent') {
    const { callId, tool, effectId } = step
    return [sessionId, turnId, 'intent', 0, sealEntry(texts, turnId, 'intent', now, { callId, tool, effectId }), now]
  }
  const kind = step.kind === 'assistant' ? 'assistant' : 'tool'
  const data = step.kind === 'assistant' ? { ...step.message, usage: step.usage, model: step.model, request: step.request } : { ...step.message, ms: step.ms }
  return [sessionId, turnId, kind, messageTokens(step.message), sealEntry(texts, turnId, kind, now, data), now]
}

function sealEntry(texts: Texts, turnId: string, kind: string, at: number, data: object): string {
  return texts.seal('entries.data', entryRow(turnId, kind, at), JSON.stringify(data))
}

function endStatements(texts: Texts, { turnId, sessionId, fence, request, reply, replyTokens, result, taint, hasAsked, now }: TurnEnd): readonly Statement[] {
  const { usage } = result
  const statements: Statement[] = [
    {
      // What a conversation's turn was asked stands in its entries, and only how stays here; a stateless one keeps its request.
      sql: `UPDATE turns SET finished = 1, result = $2, request = CASE WHEN session_id IS NULL THEN request ELSE $4 END
        WHERE id = $1 AND finished = 0 AND fence = $3`,
      params: [
        turnId,
        texts.seal('turns.result', turnId, storedResult(sessionId, result)),
        fence,
        sessionId === null ? null : texts.seal('turns.request', turnId, JSON.stringify(withoutWords(request))),
      ],
      expectChanges: 1,
    },
  ]
  if (hasAsked === true) statements.push(cancelQuestions(turnId, now))
  if (reply !== null && sessionId !== null)
    statements.push({ sql: INSERT_ENTRY, params: [sessionId, turnId, 'reply', replyTokens, sealEntry(texts, turnId, 'reply', now, reply), now] })
  if (sessionId !== null) {
    const params: SqlValue[] = [sessionId, reply === null ? 0 : 1, Number(taint.untrusted), Number(taint.private), now]
    statements.push({
      sql: `UPDATE sessions SET message_count = message_count + $2, untrusted = untrusted | $3, private = private | $4, last_activity_at = $5 WHERE id = $1`,
      params,
    })
  }
  if (usage.inputTokens + usage.outputTokens > 0) {
    statements.push({
      sql: `INSERT INTO usage (turn_id, session_id, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      params: [
        turnId,
        sessionId,
        result.model,
        usage.inputTokens,
        usage.outputTokens,
        usage.cacheReadTokens,
        usage.cacheWriteTokens,
        usage.reasoningTokens,
        result.costUsd,
        now,
      ],
    })
  }
  return statements
}

/** What was said and done stands in the entries already; a stateless turn has no conversation to stand in, so its text stays with its result. */
function storedResult(sessionId: string | null, { text: said, toolCalls: _toolCalls, ...rest }: TurnResult): string {
  return JSON.stringify(sessionId === null ? { ...rest, text: said } : rest)
}

function storedTurn(texts: Texts, row: Row, entries: readonly Row[]): StoredTurn {
  const turnId = text(row, 'id')
  return {
    turnId,
    sessionId: textOrNull(row, 'session_id'),
    sessionKey: textOrNull(row, 'session_key'),
    request: withWords(json(texts.open('turns.request', turnId, text(row, 'request')), isRequest), entries),
    acceptedAt: integer(row, 'accepted_at'),
    fence: integer(row, 'fence'),
    owner: textOrNull(row, 'owner'),
    isCancelled: integer(row, 'cancelled') === 1,
    steps: entries.flatMap(stepOf),
  }
}

function withoutWords({ parts: _parts, options: { context: _context, ...options }, ...request }: InboundMessage): InboundMessage {
  return { ...request, parts: [], options }
}

/** What `withoutWords` left out, where it stands in the entries: of a turn that goes on after its end was taken back. */
function withWords(request: InboundMessage, entries: readonly Row[]): InboundMessage {
  if (request.parts.length > 0 || request.sessionKey === null) return request
  const messages = (kind: string) => entries.flatMap((row) => (row['kind'] === kind ? [json(text(row, 'data'), isMessage)] : []))
  const context = messages('handed-in')
  const parts = messages('user').flatMap((message) => (message.role === 'user' ? message.parts : []))
  return { ...request, parts, options: context.length === 0 ? request.options : { ...request.options, context } }
}

function stepOf(row: Row): readonly JournalStep[] {
  const kind = text(row, 'kind')
  if (kind === 'assistant') {
    const { usage, model, request, ...message } = json(text(row, 'data'), isAssistantStep)
    return [{ kind: 'assistant', message, usage, model, ...(request === undefined ? {} : { request }) }]
  }
  if (kind === 'intent') return [{ kind: 'tool-intent', ...json(text(row, 'data'), isIntent) }]
  if (kind === 'tool') {
    const { ms, ...message } = json(text(row, 'data'), isToolStep)
    return [{ kind: 'tool-result', message, ms }]
  }
  return []
}

/** The lines that a message adds to its conversation: results of the caller's own tools, then what it says. */
function lines(texts: Texts, turnId: string, request: InboundMessage, now: number, ifBegun = false): readonly Statement[] {
  const { sessionKey } = request
  const said: readonly Message[] = request.parts.length === 0 ? [] : [{ role: 'user', parts: request.parts }]
  const messages = [...(request.options.context ?? []), ...said]
  const own = '(SELECT id FROM sessions WHERE key = $1)'
  const begun = `FROM turns WHERE turns.id = $2 AND turns.begun = 1`
  const entry = ifBegun ? `${ENTRY} SELECT ${own}, $2, $3, $4, $5, $6 ${begun}` : `${ENTRY} VALUES (${own}, $2, $3, $4, $5, $6)`
  const count = 'UPDATE sessions SET message_count = message_count + $2 WHERE key = $1'
  return [
    ...messages.map((message) => {
      const kind = message.role === 'user' ? 'user' : 'handed-in'
      return { sql: entry, params: [sessionKey, turnId, kind, messageTokens(message), sealEntry(texts, turnId, kind, now, message), now] }
    }),
    ifBegun
      ? { sql: `${count} AND EXISTS (SELECT 1 FROM turns WHERE turns.id = $3 AND turns.begun = 1)`, params: [sessionKey, messages.length, turnId] }
      : { sql: count, params: [sessionKey, messages.length] },
    ...tainted('key', sessionKey, messages, ifBegun ? turnId : null),
  ]
}

/** A conversation has seen what is in it from the commit on that puts it there, however its turn ends. `ifBegun`: only where this turn has begun. */
function tainted(column: 'id' | 'key', session: string | null, messages: readonly Message[], ifBegun: string | null = null): readonly Statement[] {
  const { untrusted, private: isPrivate } = taintOf(messages, NO_TAINT)
  if (session === null || !(untrusted || isPrivate)) return []
  const condition = ifBegun === null ? '' : ' AND EXISTS (SELECT 1 FROM turns WHERE turns.id = $4 AND turns.begun = 1)'
  return [
    {
      sql: `UPDATE sessions SET untrusted = untrusted | $2, private = private | $3 WHERE ${column} = $1${condition}`,
      params: [session, Number(untrusted), Number(isPrivate), ...(ifBegun === null ? [] : [ifBegun])],
    },
  ]
}

/** What `endStatements` left out of the result. */
function rebuild(entries: readonly Row[]): Pick<TurnResult, 'text' | 'toolCalls'> {
  const steps = entries.flatMap(stepOf)
  const reply = entries.find((entry) => entry['kind'] === 'reply')
  const said = [
    ...steps.flatMap((step) => (step.kind === 'assistant' ? [step.message] : [])),
    ...(reply === undefined ? [] : [json(text(reply, 'data'), isMessage)]),
  ]
  return { text: joinTexts(said.map(textOf)), toolCalls: outcomesOf(steps) }
}

type AssistantStep = Message & Pick<Extract<JournalStep, { kind: 'assistant' }>, 'usage' | 'model' | 'request'>

function isAssistantStep(value: unknown): value is AssistantStep {
  return isMessage(value) && 'usage' in value && isObject(value.usage) && 'model' in value && typeof value.model === 'string'
}

function isToolStep(value: unknown): value is Message & { readonly ms: number } {
  return isMessage(value) && 'ms' in value && typeof value.ms === 'number'
}

function isIntent(value: unknown): value is { readonly callId: string; readonly tool: string; readonly effectId: string } {
  return isObject(value) && typeof value['callId'] === 'string' && typeof value['tool'] === 'string' && typeof value['effectId'] === 'string'
}

function isRequest(value: unknown): value is InboundMessage {
  return isObject(value) && typeof value['door'] === 'string' && Array.isArray(value['parts']) && isObject(value['options'])
}

function isStoredResult(value: unknown): value is Omit<TurnResult, 'text' | 'toolCalls'> {
  return isObject(value) && typeof value['turnId'] === 'string' && typeof value['status'] === 'string' && isObject(value['usage'])
}

function claimed(texts: Texts, claim: JobClaim | TaskClaim, turnId: string, now: number): readonly Statement[] {
  return 'taskId' in claim ? [takeTask(claim, turnId, now)] : claimStatements(texts, claim, turnId, now)
}
