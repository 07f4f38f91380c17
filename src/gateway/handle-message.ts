/** What happens to one accepted message, from its place in the conversation to its end. */
import { AppError, exposed } from '../contracts/errors.ts'
import { messageTokens } from '../contracts/message-tokens.ts'
import { NO_TAINT, type JournalStep } from '../contracts/store.ts'
import type { HeldTurn } from '../contracts/turn-lease.ts'
import type { InboundMessage, TurnEvent, TurnResult } from '../contracts/turn.ts'
import { NO_USAGE } from '../contracts/usage.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import { runAgent } from '../agent/run.ts'
import { PARKED, type AgentOutcome } from '../agent/turn-outcome.ts'
import type { TurnAddress } from './gateway.ts'

export interface HandledTurn extends HeldTurn {
  readonly request: InboundMessage
  readonly steps: readonly JournalStep[]
  readonly emit: (event: TurnEvent) => void
  /** Whether anybody hears text as it comes. */
  readonly wantsPieces: () => boolean
  /** It cannot go on: it ends with this. */
  readonly fault?: AppError
  /** The gateway stops: what is not finished stays so in the journal, for the next start. */
  readonly isAbandoned: () => boolean
  /** Where others can go on with what was not kept: they do, and nobody is told that it has ended. */
  readonly leave?: (error: unknown) => void
}

/** Ends with `turn-finished`, journaled before anybody hears of it (unless it is abandoned), or is parked until the owner has answered. Never throws. */
export async function handleMessage(turn: HandledTurn, deps: AgentDeps, signal: AbortSignal): Promise<'finished' | typeof PARKED> {
  const { turnId, sessionId, fence, request, steps, emit, wantsPieces } = turn
  const { store, clock, log } = deps
  const startedAt = clock.now()
  // What could not be kept is not claimed: the turn stays unfinished and the next start takes it up.
  const unkept = (error: unknown) => {
    log.error('turn.unkept', { turn: turnId, error })
    if (turn.leave !== undefined) turn.leave(error)
    else emit(failedEnd({ turnId, sessionKey: request.sessionKey }, error, clock.now() - startedAt))
    return 'finished' as const
  }
  if (sessionId !== null && !signal.aborted) {
    try {
      await store.turns.begin(turn, request, startedAt)
    } catch (error) {
      return unkept(error)
    }
  }
  let outcome: AgentOutcome | typeof PARKED
  let hasAsked = steps.length > 0
  try {
    if (signal.aborted) throw new AppError('turn/cancelled')
    if (turn.fault !== undefined) throw turn.fault
    const session = sessionId === null ? null : await store.sessions.get(sessionId)
    if (sessionId !== null && session === null) throw new AppError('session/not-found', 'it was deleted')
    outcome = await runAgent({ turnId, fence, session, request, steps, emit, wantsPieces }, deps, signal)
  } catch (error) {
    outcome = failure({ turnId, sessionKey: request.sessionKey }, error)
    hasAsked = true
    if (outcome.result.error?.code === 'internal') log.error('turn.defect', { turn: turnId, error })
  }
  if (outcome === PARKED) return PARKED
  if (turn.isAbandoned() || (turn.leave !== undefined && outcome.result.error?.code === 'turn/lost')) {
    if (turn.leave !== undefined) turn.leave(new AppError('turn/interrupted'))
    else emit(failedEnd({ turnId, sessionKey: request.sessionKey }, new AppError('turn/interrupted'), clock.now() - startedAt))
    return 'finished'
  }
  const { reply, taint } = outcome
  const result: TurnResult = { ...outcome.result, durationMs: clock.now() - startedAt }
  try {
    const replyTokens = reply === null ? 0 : messageTokens(reply)
    await store.turns.finish({ turnId, sessionId, fence, request, reply, replyTokens, result, taint, hasAsked, now: clock.now() })
    emit({ type: 'turn-finished', result })
  } catch (error) {
    return unkept(error)
  }
  const { status, model, durationMs, error } = result
  deps.audit.note({ kind: 'turn-finished', turn: turnId, session: sessionId, door: request.door, status, model, ms: durationMs, code: error?.code ?? null })
  log.info('turn.finished', { turn: turnId, door: request.door, status: result.status, model: result.model, ms: result.durationMs, code: result.error?.code })
  return 'finished'
}

/** For whoever waits for a turn whose end was not kept. */
export function failedEnd(turn: TurnAddress, error: unknown, durationMs = 0): TurnEvent {
  return { type: 'turn-finished', result: { ...failure(turn, error).result, durationMs } }
}

function failure({ turnId, sessionKey }: TurnAddress, error: unknown): AgentOutcome {
  const { code, message, hint, retryAfterMs } = exposed(error)
  return {
    reply: null,
    taint: NO_TAINT,
    result: {
      turnId,
      sessionKey,
      status: code === 'turn/cancelled' ? 'cancelled' : 'failed',
      text: '',
      finishReason: 'stop',
      clientToolCalls: [],
      toolCalls: [],
      model: '',
      usage: NO_USAGE,
      costUsd: null,
      error: { code, message, ...(hint === undefined ? {} : { hint }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    },
  }
}
