/** The gateway: intake, one lane per conversation, recovery, and what doors may ask. */
import { newId } from '../std/ids.ts'
import { AppError } from '../contracts/errors.ts'
import type { Approval } from '../contracts/approval.ts'
import type { JournaledMessage } from '../contracts/store.ts'
import { sentBy, type InboundMessage, type TurnResult } from '../contracts/turn.ts'
import type { AgentDeps } from '../agent/run.ts'
import { PARKED } from '../agent/turn-outcome.ts'
import { ApprovalDesk } from './approval-desk.ts'
import type { DefaultModel, Gateway } from './gateway.ts'
import { failure, handleMessage, type HandledTurn } from './handle-message.ts'
import { clearInbound } from './intake.ts'
import { Lanes, type Task } from './lanes.ts'
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
  /** Refuses what the owner was asked and did not answer in time; happens by itself, too. */
  expire(): Promise<void>
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
  /** Turns that wait for the owner, and their lanes. Everything else of them is in the journal. */
  const parked = new Map<string, string | null>()
  const desk = new ApprovalDesk(agent, (turnId) => void wakeIfAnswered(turnId))
  turns.subscribe((_turn, event) => {
    if (event.type === 'approval-requested') desk.announce(event.approvals)
  }, 'answers')
  let finished = 0

  function noteTurn(kind: 'turn-accepted' | 'turn-recovered', turn: string, session: string | null, request: InboundMessage): void {
    agent.audit.note({ kind, turn, session, door: request.door, by: sentBy(request) })
  }

  const isRevoked = (credential: string | undefined) => credential !== undefined && !maySend(credential)

  async function handle(turn: Omit<HandledTurn, 'emit' | 'wantsPieces' | 'isAbandoned'>, { emit, wantsPieces, controller }: RunningTurn): ReturnType<Task> {
    if (isRevoked(turn.request.credential)) controller.abort(new DOMException(REVOKED, 'AbortError'))
    const end = await handleMessage({ ...turn, emit, wantsPieces, isAbandoned }, agent, controller.signal)
    if (end !== PARKED) return void finished++
    const { turnId } = turn
    const { sessionKey } = turn.request
    return () => park(turnId, sessionKey)
  }

  /** The answer may have come, or the turn may have been cancelled, before it was parked. */
  function park(turnId: string, lane: string | null): void {
    parked.set(turnId, lane)
    if (turns.get(turnId)?.controller.signal.aborted === true) wake(turnId)
    else void wakeIfAnswered(turnId)
  }

  async function wakeIfAnswered(turnId: string): Promise<void> {
    try {
      if (parked.has(turnId) && (await store.approvals.pending(turnId)) === 0) wake(turnId)
    } catch (error) {
      // It waits on: the next answer, or the next start, looks again.
      log.error('approval.unread', { turn: turnId, error })
    }
  }

  /** What was cancelled while it waited ends now, and its questions with it. */
  function wakeCancelled(): void {
    for (const turnId of parked.keys()) if (turns.get(turnId)?.controller.signal.aborted === true) wake(turnId)
  }

  /** Takes the turn up from its journal, as after a crash. */
  function wake(turnId: string): void {
    const lane = parked.get(turnId)
    if (lane === undefined) return
    parked.delete(turnId)
    lanes.resume(lane, async () => {
      const running = turns.get(turnId)
      if (running === undefined) return
      try {
        const turn = await store.turns.open(turnId)
        if (turn === null) throw new AppError('turn/not-found', turnId)
        return await handle({ ...turn, request: { ...turn.request, sessionKey: running.sessionKey } }, running)
      } catch (error) {
        log.error('turn.unread', { turn: turnId, error })
        running.emit({ type: 'turn-finished', result: { ...failure({ turnId, request: running }, error).result, durationMs: 0 } })
      }
    })
  }

  async function resultOf(turnId: string): Promise<TurnResult> {
    const result = await store.turns.result(turnId)
    if (result === null) throw new AppError('turn/not-found', turnId)
    return result
  }

  const gateway: Gateway = {
    store,
    subscribe: (listener, pace = 'answers') => turns.subscribe(listener, pace),

    async submit(message, listener, pace = 'pieces') {
      if (halt.signal.aborted) throw new AppError('gateway/stopping')
      const clearance = clearInbound(message, { ...agent, refusals: store.refusals }, halt.signal)
      const request = clearance instanceof Promise ? await clearance : clearance
      await agent.models.resolve(request.options.model ?? null)
      const turnId = newId('turn', clock.now())
      const { sessionKey } = request
      const running = turns.add({ turnId, sessionKey }, listener === undefined ? null : { listener, pace }, request.credential)
      const queued = lanes.isBusy(sessionKey)
      const accepted = Promise.withResolvers<JournaledMessage | null>()
      try {
        // The place in the lane is taken before the journal is written, so that the order of arrival is the order of the conversation. The model may be asked as soon as the
        // message survives this process; nobody hears of it before it also survives a power cut.
        lanes.enter(sessionKey, async () => {
          const kept = await accepted.promise
          if (kept === null || kept.repeatedOf !== null) return
          return handle({ turnId, sessionId: kept.sessionId, request, steps: [] }, running)
        })
        const kept = await store.turns.accept({ turnId, request, now: clock.now(), queued })
        if (kept.repeatedOf === null) noteTurn('turn-accepted', turnId, kept.sessionId, request)
        const durable = isPromised(request) ? kept.durable() : null
        if (durable !== null) running.holdUntil(durable)
        accepted.resolve(kept)
        if (durable !== null) await durable
        if (kept.repeatedOf === null) return { turnId, sessionId: kept.sessionId, sessionKey, status: queued ? 'queued' : 'started' }
        turns.remove(turnId)
        if (listener !== undefined) turns.get(kept.repeatedOf)?.listen(listener, pace)
        return { turnId: kept.repeatedOf, sessionId: kept.sessionId, sessionKey, status: 'repeated' }
      } catch (error) {
        accepted.resolve(null)
        turns.remove(turnId)
        throw error
      }
    },

    async wait(turnId, signal): Promise<TurnResult> {
      const running = turns.get(turnId)
      return running === undefined ? resultOf(turnId) : orAborted(running.result, signal)
    },

    async waitOrAsked(turnId, signal) {
      const running = turns.get(turnId)
      if (running === undefined) return resultOf(turnId)
      const asked = Promise.withResolvers<readonly Approval[]>()
      const leave = running.listen((event) => {
        if (event.type === 'approval-requested') asked.resolve(event.approvals)
      }, 'answers')
      try {
        if (parked.has(turnId)) {
          const waiting = (await store.approvals.ofTurn(turnId)).filter(({ status }) => status === 'pending')
          if (waiting.length > 0) return waiting
        }
        return await orAborted(Promise.race([running.result, asked.promise]), signal)
      } finally {
        leave()
      }
    },

    abort(target, reason) {
      const count = turns.abort(
        (turn) => ('turnId' in target ? turn.turnId === target.turnId : turn.sessionKey === target.sessionKey && target.sessionKey !== null),
        reason,
      )
      wakeCancelled()
      return count
    },

    approvals: desk,

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
      await store.approvals.cancelOrphans(clock.now())
      await desk.expire()
      const unfinished = await store.turns.unfinished()
      for (const { turnId, sessionId, sessionKey, request, steps } of unfinished) {
        noteTurn('turn-recovered', turnId, sessionId, request)
        const running = turns.add({ turnId, sessionKey }, null, request.credential)
        const isSessionGone = sessionKey === null && request.sessionKey !== null
        if (isSessionGone || !isPromised(request)) running.controller.abort(new DOMException('Nobody could hear the answer', 'AbortError'))
        const isWaiting = !running.controller.signal.aborted && (await store.approvals.pending(turnId)) > 0
        if (isWaiting && sessionKey !== null) lanes.park(sessionKey)
        if (isWaiting) parked.set(turnId, sessionKey)
        else lanes.enter(sessionKey, () => handle({ turnId, sessionId, request: { ...request, sessionKey }, steps }, running), true)
      }
      if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
      return unfinished.length
    },
    reauthorise() {
      const count = turns.abort(({ credential }) => isRevoked(credential), REVOKED)
      wakeCancelled()
      return count
    },
    expire: () => desk.expire(),
    async drain(ms) {
      halt.abort()
      const settled = new AbortController()
      const patience = clock.sleep(ms, settled.signal).catch(() => undefined)
      await Promise.race([lanes.settled(), patience])
      settled.abort()
      abandon.abort()
      turns.abort(() => true, 'The gateway stops')
      desk.close()
      // Whoever waits for them is told; they stay as they are in the journal.
      for (const turnId of parked.keys()) wake(turnId)
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
