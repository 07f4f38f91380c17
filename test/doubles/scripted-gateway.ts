/** A gateway whose turns do what a test says: real events in order, real cancellation, a real store in memory; no model and no journal. */
import { newId } from '../../src/std/ids.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { AuditTrail } from '../../src/contracts/audit.ts'
import { AppError } from '../../src/contracts/errors.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { InboundMessage, TurnEvent, TurnListener, TurnResult } from '../../src/contracts/turn.ts'
import { NO_USAGE } from '../../src/contracts/usage.ts'
import { ApprovalDesk } from '../../src/gateway/approval-desk.ts'
import type { Gateway, TurnAddress } from '../../src/gateway/gateway.ts'
import { cleared } from './cleared.ts'
import { recordedLog } from './recorded-log.ts'

export interface ScriptedTurn {
  readonly message: InboundMessage
  readonly emit: (event: TurnEvent) => void
  readonly signal: AbortSignal
}
export type TurnScript = (turn: ScriptedTurn) => Promise<Partial<TurnResult>> | Partial<TurnResult>

export interface ScriptedGateway extends Gateway {
  script: TurnScript
  readonly messages: readonly InboundMessage[]
  readonly notReady: string[]
  /** Resolves with the reason when the next turn is cancelled. */
  aborted(): Promise<string>
}

export const SCRIPTED_MODEL = 'scripted:model'

const noTrail: AuditTrail = { note: () => undefined, keep: () => Promise.resolve(), mac: (text) => text, faults: () => [] }

/** Says the words of the message back. */
export const echo: TurnScript = ({ message, emit }) => {
  const text = message.parts.map((part) => (part.type === 'text' ? part.text : `[${part.mediaType}]`)).join('')
  emit({ type: 'text-delta', text })
  return { text, usage: { inputTokens: 11, outputTokens: 7, cacheReadTokens: 5, cacheWriteTokens: 0, reasoningTokens: 3 } }
}

export function createScriptedGateway(store: Store, startedAt = 0): ScriptedGateway {
  const listeners = new Set<(turn: TurnAddress, event: TurnEvent) => void>()
  const running = new Map<string, { readonly sessionKey: string | null; readonly controller: AbortController; readonly result: Promise<TurnResult> }>()
  const results = new Map<string, TurnResult>()
  const messages: InboundMessage[] = []
  const keys = new Map<string, string>()
  let nextAbort = Promise.withResolvers<string>()

  async function run(turnId: string, message: InboundMessage, emit: (event: TurnEvent) => void, controller: AbortController): Promise<TurnResult> {
    const base: TurnResult = {
      turnId,
      sessionKey: message.sessionKey,
      status: 'completed',
      text: '',
      finishReason: 'stop',
      clientToolCalls: [],
      toolCalls: [],
      model: SCRIPTED_MODEL,
      usage: NO_USAGE,
      costUsd: null,
      durationMs: 1,
    }
    emit({ type: 'turn-started', model: SCRIPTED_MODEL, demo: false })
    let result: TurnResult
    try {
      result = { ...base, ...(await gateway.script({ message, emit, signal: controller.signal })) }
    } catch (error) {
      const { code, message: text, retryAfterMs } = error instanceof AppError ? error : new AppError(controller.signal.aborted ? 'turn/cancelled' : 'internal')
      result = {
        ...base,
        status: code === 'turn/cancelled' ? 'cancelled' : 'failed',
        error: { code, message: text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
      }
    }
    running.delete(turnId)
    results.set(turnId, result)
    emit({ type: 'turn-finished', result })
    return result
  }

  const gateway: ScriptedGateway = {
    store,
    async replay(turnId) {
      if ((await store.turns.record(turnId)) === null) throw new AppError('turn/not-found', turnId)
      const before = { kind: 'ran', rules: [] } as const
      const now = { kind: 'asked', rules: ['destinationsKnown'] } as const
      const difference = { kind: 'call', what: 'send_mail (c1)', before: 'ran', now: 'asked destinationsKnown' } as const
      return { turnId, calls: [{ callId: 'c1', tool: 'send_mail', before, now }], requests: 2, compared: 1, differences: [difference], notes: ['a note'] }
    },
    async resume(turnId) {
      if (!(await store.turns.history.reopen(turnId))) throw new AppError('turn/ended')
    },
    script: echo,
    messages,
    notReady: [],
    aborted: () => nextAbort.promise,
    async submit(message: InboundMessage, listener?: TurnListener) {
      await Promise.resolve()
      if (message.options.model === 'nobody:none') throw new AppError('provider/unknown', 'nobody')
      const earlier = message.idempotencyKey === undefined ? undefined : keys.get(message.idempotencyKey)
      if (earlier !== undefined) return { turnId: earlier, sessionId: null, sessionKey: message.sessionKey, status: 'repeated' }
      messages.push(message)
      const turnId = newId('turn', messages.length)
      if (message.idempotencyKey !== undefined) keys.set(message.idempotencyKey, turnId)
      if (message.claim !== undefined)
        await store.turns.accept({
          turnId,
          request: cleared(message),
          now: Date.now(),
          queued: false,
          lease: { owner: 'run_1', until: Number.MAX_SAFE_INTEGER },
        })
      const controller = new AbortController()
      const emit = (event: TurnEvent) => {
        listener?.(event)
        for (const hear of listeners) hear({ turnId, sessionKey: message.sessionKey }, event)
      }
      const start = Promise.withResolvers<void>()
      const result = start.promise.then(() => run(turnId, message, emit, controller))
      running.set(turnId, { sessionKey: message.sessionKey, controller, result })
      start.resolve()
      return { turnId, sessionId: null, sessionKey: message.sessionKey, status: 'started' }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async wait(turnId, signal) {
      const turn = running.get(turnId)
      const done = results.get(turnId)
      if (done !== undefined) return done
      if (turn === undefined) throw new AppError('turn/not-found', turnId)
      const stopped = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => stopped.reject(signal.reason), { once: true })
      return Promise.race([turn.result, stopped.promise])
    },
    waitOrAsked: (turnId, signal) => gateway.wait(turnId, signal),
    approvals: new ApprovalDesk({ store, tools: new Map(), audit: noTrail, clock: systemClock, log: recordedLog().log }, () => undefined),
    async abort(target, reason) {
      let count = 0
      for (const [turnId, turn] of running) {
        if ('turnId' in target ? target.turnId !== turnId : target.sessionKey !== turn.sessionKey) continue
        turn.controller.abort(new AppError('turn/cancelled'))
        count++
      }
      if (count > 0) {
        nextAbort.resolve(reason)
        nextAbort = Promise.withResolvers()
      }
      return count
    },
    status: () => ({
      startedAt,
      activeTurns: running.size,
      queuedTurns: 0,
      finishedTurns: results.size,
      model: { name: SCRIPTED_MODEL, source: 'config', demo: false },
      notReady: gateway.notReady,
    }),
    events: async () => [],
    cluster: null,
    models: () => Promise.resolve([{ name: SCRIPTED_MODEL, kind: 'model', provider: 'scripted', contextTokens: 1000 }]),
  }
  return gateway
}

/** Rejects as soon as the turn is cancelled; never resolves. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return promise
}
