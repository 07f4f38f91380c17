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
import { insist } from './insist.ts'

export interface HandledTurn extends HeldTurn {
  readonly request: InboundMessage
  readonly steps: readonly JournalStep[]
  readonly emit: (event: TurnEvent) => void
  /** Whether anybody hears text as it comes. */
  readonly wantsPieces: () => boolean
  /** It cannot go on: it ends with this. */
  readonly fault?: AppError
  /** The gateway stops: what is not finished stays so in the journal, for the next start. */
  readonly abandoned: AbortSignal
}

/** The turn is unfinished in its journal and runs no more, because of this: whoever goes on with it tells how it ends. */
export interface LeftTurn {
  readonly left: unknown
}

/** Ends with `turn-finished`, journaled before anybody hears of it, or is parked until the owner has answered, or is left. Never throws. */
export async function handleMessage(turn: HandledTurn, deps: AgentDeps, signal: AbortSignal): Promise<'finished' | typeof PARKED | LeftTurn> {
  const { turnId, sessionId, fence, request, steps, emit, wantsPieces, abandoned } = turn
  const { store, clock, log } = deps
  const startedAt = clock.now()
  // What could not be kept is not claimed.
  const unkept = (error: unknown): LeftTurn => {
    log.error('turn.unkept', { turn: turnId, error })
    return { left: error }
  }
  if (sessionId !== null && !signal.aborted) {
    try {
      await insist(() => store.turns.begin(turn, request, startedAt), clock, abandoned)
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
  if (abandoned.aborted) return { left: new AppError('turn/interrupted') }
  if (outcome.result.error?.code === 'turn/lost') return { left: new AppError('turn/lost') }
  const { reply, taint } = outcome
  const result: TurnResult = { ...outcome.result, durationMs: clock.now() - startedAt }
  try {
    const replyTokens = reply === null ? 0 : messageTokens(reply)
    const end = { turnId, sessionId, fence, request, reply, replyTokens, result, taint, hasAsked, now: clock.now() }
    await insist(() => store.turns.finish(end), clock, abandoned)
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
