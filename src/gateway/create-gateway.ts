/** The gateway: intake, one lane per conversation, recovery, and what doors may ask. */
import { newId } from '../std/ids.ts'
import { AppError } from '../contracts/errors.ts'
import type { Approval } from '../contracts/approval.ts'
import type { JournaledMessage, StoredTurn } from '../contracts/store.ts'
import { FIRST_FENCE } from '../contracts/turn-lease.ts'
import { sentBy, type InboundMessage, type TurnResult } from '../contracts/turn.ts'
import type { AgentDeps } from '../agent/run.ts'
import { PARKED } from '../agent/turn-outcome.ts'
import { ApprovalDesk } from './approval-desk.ts'
import type { DefaultModel, Gateway } from './gateway.ts'
import { failure, handleMessage, type HandledTurn } from './handle-message.ts'
import { clearInbound } from './intake.ts'
import { Lanes, type Task } from './lanes.ts'
import { LeaseWatch, STUCK } from './lease-watch.ts'
import { listModels } from './list-models.ts'
import { RunningTurns, type RunningTurn } from './running-turns.ts'
import { WaitingTurns } from './waiting-turns.ts'

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
  /** Renews the leases of what runs, and takes up again what stands still; happens by itself, too. */
  look(): Promise<void>
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
  const watch = new LeaseWatch({
    leases: store.turns.leases,
    owner: newId('run', startedAt),
    maxRunMs: agent.config.agent.budgets.maxTurnMs,
    onLapsed: takeOver,
    clock,
    log,
  })
  const waiting = new WaitingTurns({
    lanes,
    pending: (turnId) => store.approvals.pending(turnId),
    isCancelled: (turnId) => turns.get(turnId)?.controller.signal.aborted === true,
    goOn,
    log,
  })
  const desk = new ApprovalDesk(agent, (turnId) => void waiting.wakeIfAnswered(turnId))
  turns.subscribe((_turn, event) => {
    if (event.type === 'approval-requested') desk.announce(event.approvals)
  }, 'answers')
  let finished = 0

  function noteTurn(kind: 'turn-accepted' | 'turn-recovered', turn: string, session: string | null, request: InboundMessage): void {
    agent.audit.note({ kind, turn, session, door: request.door, by: sentBy(request) })
  }

  const isRevoked = (credential: string | undefined) => credential !== undefined && !maySend(credential)

  /** `stoodAt`: how many steps its journal had when it stood still before. */
  async function handle(
    turn: Omit<HandledTurn, 'emit' | 'wantsPieces' | 'isAbandoned'>,
    running: RunningTurn,
    stoodAt: number | null = null,
  ): ReturnType<Task> {
    const { turnId, request } = turn
    const { controller } = running
    if (isRevoked(request.credential)) controller.abort(new DOMException(REVOKED, 'AbortError'))
    let isOver = false
    const emit: HandledTurn['emit'] = (event) => {
      if (!isOver) running.emit(event)
    }
    const end = await watch.over(handleMessage({ ...turn, emit, wantsPieces: running.wantsPieces, isAbandoned }, agent, controller.signal))
    if (end === STUCK) {
      isOver = true
      return takeUpAgain(running, stoodAt)
    }
    if (end !== PARKED) return void finished++
    return () => waiting.park(turnId, request.sessionKey)
  }

  /** Takes the turn from a run that stands still: with a new fence that one can keep nothing more. Twice at the same place is enough. */
  async function takeUpAgain(running: RunningTurn, stoodAt: number | null): ReturnType<Task> {
    log.error('turn.stuck', { turn: running.turnId })
    return takenUp(running, (turn) => {
      const isSame = turn.steps.length === stoodAt
      return handle(isSame ? { ...turn, fault: new AppError('turn/stuck') } : turn, running, turn.steps.length)
    })
  }

  /** The turn out of its journal, held by this process. What cannot be taken up stays as it is, and whoever waits here is told. */
  async function takenUp(running: RunningTurn, then: (turn: StoredTurn) => ReturnType<Task>): ReturnType<Task> {
    const { turnId, sessionKey } = running
    try {
      if (isAbandoned()) throw new AppError('turn/interrupted')
      const fence = await watch.claim(turnId)
      const turn = fence === null ? null : await store.turns.open(turnId)
      if (turn === null || turn.fence !== fence) throw new AppError('turn/lost', turnId)
      return await then({ ...turn, request: { ...turn.request, sessionKey } })
    } catch (error) {
      if (!isAbandoned()) log.error('turn.unread', { turn: turnId, error })
      running.emit({ type: 'turn-finished', result: { ...failure({ turnId, request: running }, error).result, durationMs: 0 } })
    }
  }

  /** What waited goes on, as after a crash. */
  async function goOn(turnId: string): ReturnType<Task> {
    const running = turns.get(turnId)
    if (running !== undefined) return takenUp(running, (turn) => handle(turn, running))
  }

  /** A turn that an earlier process, or another one, accepted and does not carry on any more. */
  function adopt({ turnId, sessionId, sessionKey, request }: Omit<StoredTurn, 'steps'>, isWaiting: boolean): void {
    noteTurn('turn-recovered', turnId, sessionId, request)
    const running = turns.add({ turnId, sessionKey }, null, request.credential)
    const isSessionGone = sessionKey === null && request.sessionKey !== null
    if (isSessionGone || !isPromised(request)) running.controller.abort(new DOMException('Nobody could hear the answer', 'AbortError'))
    if (isWaiting && !running.controller.signal.aborted) waiting.keep(turnId, sessionKey)
    else lanes.enter(sessionKey, () => goOn(turnId), true)
  }

  async function takeOver(turnIds: readonly string[]): Promise<void> {
    for (const turnId of turnIds) {
      const turn = turns.get(turnId) === undefined ? await store.turns.open(turnId) : null
      if (turn !== null) adopt(turn, false)
    }
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
          return handle({ turnId, sessionId: kept.sessionId, fence: FIRST_FENCE, request, steps: [] }, running)
        })
        const kept = await store.turns.accept({ turnId, request, now: clock.now(), queued, lease: watch.lease() })
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
        if (waiting.has(turnId)) {
          const questions = (await store.approvals.ofTurn(turnId)).filter(({ status }) => status === 'pending')
          if (questions.length > 0) return questions
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
      waiting.wakeCancelled()
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
      const unfinished = (await store.turns.unfinished()).filter(({ owner }) => owner === null || !store.turns.leases.isShared)
      for (const turn of unfinished) adopt(turn, (await store.approvals.pending(turn.turnId)) > 0)
      if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
      return unfinished.length
    },
    reauthorise() {
      const count = turns.abort(({ credential }) => isRevoked(credential), REVOKED)
      waiting.wakeCancelled()
      return count
    },
    expire: () => desk.expire(),
    look: () => watch.look(),
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
      waiting.wakeAll()
      await watch.close()
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
