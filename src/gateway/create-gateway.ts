/** The gateway: intake, one lane per conversation, recovery, and what doors may ask. */
import { newId } from '../std/ids.ts'
import { AppError } from '../contracts/errors.ts'
import type { JournaledMessage } from '../contracts/store.ts'
import type { InboundMessage, TurnResult } from '../contracts/turn.ts'
import type { AgentDeps } from '../agent/run.ts'
import type { DefaultModel, Gateway } from './gateway.ts'
import { handleMessage, type HandledTurn } from './handle-message.ts'
import { clearInbound } from './intake.ts'
import { Lanes } from './lanes.ts'
import { listModels } from './list-models.ts'
import { RunningTurns, type RunningTurn } from './running-turns.ts'

export interface GatewayOptions {
  readonly agent: AgentDeps
  readonly defaultModel: () => DefaultModel
  /** Reasons for `/health/ready` beyond our own; asked at every call. */
  readonly notReady: () => readonly string[]
  /** Whether what came by this credential may still run. Asked again before a turn that waited or was recovered begins, and whenever a credential was taken away. */
  readonly maySend: (credential: string) => boolean
}

export interface GatewayControl {
  readonly gateway: Gateway
  /** Takes up what an earlier process accepted and did not finish; says how many turns. */
  recover(): Promise<number>
  /** A credential was taken away: cancels the turns that came by one that may send no more; says how many. */
  reauthorise(): number
  /** Refuses new messages, lets running turns end for `ms`, then leaves the rest to the next start. */
  drain(ms: number): Promise<void>
}

const MAX_WAITING = 1024
const REVOKED = 'The credential that it came by was taken away'

export function createGateway({ agent, defaultModel, notReady, maySend }: GatewayOptions): GatewayControl {
  const { store, clock, log } = agent
  const { maxConcurrentTurns, maxQueuedPerSession } = agent.config.agent
  const lanes = new Lanes({ maxRunning: maxConcurrentTurns, maxWaitingPerLane: maxQueuedPerSession, maxWaiting: MAX_WAITING })
  const turns = new RunningTurns(log)
  const startedAt = clock.now()
  const halt = new AbortController()
  const abandon = new AbortController()
  const isAbandoned = () => abandon.signal.aborted
  let finished = 0

  function noteTurn(kind: 'turn-accepted' | 'turn-recovered', turn: string, session: string | null, { door, sender }: InboundMessage): void {
    agent.audit.note({ kind, turn, session, door, by: sender.kind })
  }

  const isRevoked = (credential: string | undefined) => credential !== undefined && !maySend(credential)

  async function handle(turn: HandledTurn, running: RunningTurn): Promise<void> {
    if (isRevoked(turn.request.credential)) running.controller.abort(new DOMException(REVOKED, 'AbortError'))
    await handleMessage(turn, agent, running.controller.signal)
    finished++
  }

  const gateway: Gateway = {
    store,
    subscribe: (listener) => turns.subscribe(listener),

    async submit(message, listener) {
      if (halt.signal.aborted) throw new AppError('gateway/stopping')
      const request = clearInbound(message, agent)
      await agent.models.resolve(request.options.model ?? null)
      const turnId = newId('turn', clock.now())
      const { sessionKey } = request
      const running = turns.add({ turnId, sessionKey }, listener, request.credential)
      const queued = lanes.isBusy(sessionKey)
      const accepted = Promise.withResolvers<JournaledMessage | null>()
      try {
        // The place in the lane is taken before the journal is written, so that the order of arrival is the order of the conversation. The model may be asked as soon as the
        // message survives this process; nobody hears of it before it also survives a power cut.
        lanes.enter(sessionKey, async () => {
          const kept = await accepted.promise
          if (kept === null || kept.repeatedOf !== null) return
          await handle({ turnId, sessionId: kept.sessionId, request, steps: [], emit: running.emit, isAbandoned }, running)
        })
        const kept = await store.turns.accept({ turnId, request, now: clock.now(), queued })
        if (kept.repeatedOf === null) noteTurn('turn-accepted', turnId, kept.sessionId, request)
        const durable = isPromised(request) ? kept.durable() : null
        if (durable !== null) running.holdUntil(durable)
        accepted.resolve(kept)
        if (durable !== null) await durable
        if (kept.repeatedOf === null) return { turnId, sessionId: kept.sessionId, sessionKey, status: queued ? 'queued' : 'started' }
        turns.remove(turnId)
        if (listener !== undefined) turns.get(kept.repeatedOf)?.listen(listener)
        return { turnId: kept.repeatedOf, sessionId: kept.sessionId, sessionKey, status: 'repeated' }
      } catch (error) {
        accepted.resolve(null)
        turns.remove(turnId)
        throw error
      }
    },

    async wait(turnId, signal): Promise<TurnResult> {
      const running = turns.get(turnId)
      if (running !== undefined) return orAborted(running.result, signal)
      const result = await store.turns.result(turnId)
      if (result === null) throw new AppError('turn/not-found', turnId)
      return result
    },

    abort: (target, reason) =>
      turns.abort((turn) => ('turnId' in target ? turn.turnId === target.turnId : turn.sessionKey === target.sessionKey && target.sessionKey !== null), reason),

    status: () => ({
      startedAt,
      activeTurns: lanes.running,
      queuedTurns: lanes.waiting,
      finishedTurns: finished,
      model: defaultModel(),
      notReady: [...(halt.signal.aborted ? ['the gateway is stopping'] : []), ...notReady()],
    }),

    models: (signal) => listModels(agent.models, agent.log, signal),
  }

  return {
    gateway,
    async recover() {
      const unfinished = await store.turns.unfinished()
      for (const { turnId, sessionId, sessionKey, request, steps } of unfinished) {
        noteTurn('turn-recovered', turnId, sessionId, request)
        const running = turns.add({ turnId, sessionKey }, undefined, request.credential)
        const isSessionGone = sessionKey === null && request.sessionKey !== null
        if (isSessionGone || !isPromised(request)) running.controller.abort(new DOMException('Nobody could hear the answer', 'AbortError'))
        const turn = { turnId, sessionId, request: { ...request, sessionKey }, steps, emit: running.emit, isAbandoned }
        lanes.enter(sessionKey, () => handle(turn, running), true)
      }
      if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
      return unfinished.length
    },
    reauthorise: () => turns.abort(({ credential }) => isRevoked(credential), REVOKED),
    async drain(ms) {
      halt.abort()
      const settled = new AbortController()
      const patience = clock.sleep(ms, settled.signal).catch(() => undefined)
      await Promise.race([lanes.settled(), patience])
      settled.abort()
      abandon.abort()
      turns.abort(() => true, 'The gateway stops')
    },
  }
}

/**
 * A request without a conversation, and without a key by which to ask again, lives as long as its connection: nothing is promised before the answer, which is durable
 * then, and after a crash nobody could hear it.
 */
function isPromised({ sessionKey, idempotencyKey }: InboundMessage): boolean {
  return sessionKey !== null || idempotencyKey !== undefined
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
