/** The gateway: intake, one lane per conversation, recovery, and what doors may ask. */
import { newId } from '../std/ids.ts'
import { AppError } from '../contracts/errors.ts'
import type { Approval } from '../contracts/approval.ts'
import type { JournaledMessage, StoredTurn } from '../contracts/store.ts'
import { FIRST_FENCE } from '../contracts/turn-lease.ts'
import { sentBy, type InboundMessage, type TurnEvent, type TurnResult } from '../contracts/turn.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import { PARKED } from '../agent/turn-outcome.ts'
import { ApprovalDesk } from './approval-desk.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { DefaultModel, Gateway, TurnAddress } from './gateway.ts'
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
  /** Where the store is shared. */
  readonly cluster?: Cluster | null
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
const LEAVE_MS = 3000
/** Kept events that are read at once. */
const MAX_EVENTS = 500
const REVOKED = 'The credential that it came by was taken away'

export function createGateway({ agent, defaultModel, notReady, maySend, cluster = null }: GatewayOptions): GatewayControl {
  const { store, log } = agent
  const clock = cluster?.clock ?? agent.clock
  const { maxConcurrentTurns, maxQueuedPerSession } = agent.config.agent
  const lanes = new Lanes({ maxRunning: maxConcurrentTurns, maxWaitingPerLane: maxQueuedPerSession, maxWaiting: MAX_WAITING })
  const turns = new RunningTurns(log, cluster === null ? null : ({ turnId }, event) => cluster.record(turnId, event))
  const startedAt = clock.now()
  const halt = new AbortController()
  const abandon = new AbortController()
  const isAbandoned = () => abandon.signal.aborted
  const watch = new LeaseWatch({
    leases: cluster?.leases ?? store.turns.leases,
    owner: cluster?.id ?? newId('run', startedAt),
    maxRunMs: agent.config.agent.budgets.maxTurnMs,
    onLapsed: takeOver,
    clock,
    log,
  })
  const waiting = new WaitingTurns({
    lanes,
    waitsUntil,
    isCancelled: (turnId) => turns.get(turnId)?.controller.signal.aborted === true,
    goOn,
    clock,
    log,
  })
  const desk = new ApprovalDesk(agent, (turnIds, approvalIds) => {
    cluster?.send({ kind: 'approvals', ids: approvalIds, node: cluster.id })
    if (shared !== null) void shared.attempt(() => shared.wake(turnIds))
    else for (const turnId of turnIds) void waiting.look(turnId)
  })
  const shared =
    cluster?.carriedWith({
      store,
      turns,
      lanes,
      desk,
      claim: (turnId) => watch.claim(turnId),
      adopt: (turn) => adopt(turn),
      waitsUntil,
      now: () => clock.now(),
      goOn,
      isStopping: () => halt.signal.aborted,
      maxRunning: maxConcurrentTurns,
      maxQueuedPerSession,
      log,
    }) ?? null
  let finished = 0

  /** `Infinity` where the owner is asked. */
  async function waitsUntil(turnId: string): Promise<number | null> {
    return (await store.approvals.pending(turnId)) > 0 ? Infinity : store.turns.leases.sleepsUntil(turnId)
  }

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
      if (isOver) return
      if (event.type === 'approval-requested') announce(event.approvals)
      running.emit(event)
    }
    const wantsPieces = cluster === null ? running.wantsPieces : () => running.wantsPieces() || cluster.isHeardElsewhere
    cluster?.carry(running, turn.fence)
    let isLeft = false
    const leave = cluster === null ? {} : { leave: () => void (isLeft = true) }
    const end = await watch.over(handleMessage({ ...turn, emit, wantsPieces, isAbandoned, ...leave }, agent, controller.signal))
    if (end === STUCK) {
      isOver = true
      return takeUpAgain(running, stoodAt)
    }
    if (end !== PARKED && !isLeft) finished++
    if (shared !== null) {
      // At a stop nobody can hear more here; otherwise whoever waits hears how it goes on elsewhere.
      if (isLeft && isAbandoned()) running.hear(endOf(running, new AppError('turn/interrupted')))
      return shared.ended(turn, isLeft ? 'left' : end === PARKED ? 'waiting' : 'finished')
    }
    if (end !== PARKED) return
    return () => waiting.park(turnId, request.sessionKey)
  }

  function announce(approvals: readonly Approval[]): void {
    desk.announce(approvals)
    if (cluster !== null) cluster.send({ kind: 'approvals', ids: approvals.map(({ id }) => id), node: cluster.id })
  }

  function endOf(running: TurnAddress, error: unknown): TurnEvent {
    return { type: 'turn-finished', result: { ...failure({ turnId: running.turnId, request: running }, error).result, durationMs: 0 } }
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
      // Somebody else was quicker, or the store cannot say: whoever waits here hears how it goes on.
      if (shared !== null && !isAbandoned()) return shared.ended({ turnId, sessionId: null }, 'left')
      if (!isAbandoned()) log.error('turn.unread', { turn: turnId, error })
      if (cluster === null) running.emit(endOf(running, error))
      else running.hear(endOf(running, error))
    }
  }

  /** What waited goes on, as after a crash. */
  async function goOn(turnId: string): ReturnType<Task> {
    const running = turns.get(turnId)
    if (running !== undefined) return takenUp(running, (turn) => handle(turn, running))
  }

  /** A turn that an earlier process, or another one, accepted and does not carry on any more. */
  function adopt({ turnId, sessionId, sessionKey, request }: Omit<StoredTurn, 'steps'>, until: number | null = null): void {
    noteTurn('turn-recovered', turnId, sessionId, request)
    const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey }, null, request.credential)
    const isSessionGone = sessionKey === null && request.sessionKey !== null
    if (isSessionGone || !isPromised(request)) running.controller.abort(new DOMException('Nobody could hear the answer', 'AbortError'))
    if (until !== null && !running.controller.signal.aborted) waiting.keep(turnId, sessionKey, until)
    else if (cluster !== null) lanes.enterFirst(() => goOn(turnId))
    else lanes.enter(sessionKey, () => goOn(turnId), true)
  }

  /** Where the store is shared the order of a conversation stands there. */
  function laneOf(sessionKey: string | null): string | null {
    return cluster === null ? sessionKey : null
  }

  async function takeOver(turnIds: readonly string[]): Promise<void> {
    if (shared !== null) return shared.takeOver(turnIds)
    for (const turnId of turnIds) {
      const turn = turns.get(turnId) === undefined ? await store.turns.open(turnId) : null
      if (turn !== null) adopt(turn)
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
      const lane = laneOf(sessionKey)
      const queued = lanes.isBusy(lane)
      const accepted = Promise.withResolvers<JournaledMessage | null>()
      try {
        // The place in the lane is taken before the journal is written, so that the order of arrival is the order of the conversation. The model may be asked as soon as the
        // message survives this process; nobody hears of it before it also survives a power cut.
        lanes.enter(lane, async () => {
          const kept = await accepted.promise
          if (kept === null || kept.repeatedOf !== null || kept.isBehind) return
          return handle({ turnId, sessionId: kept.sessionId, fence: FIRST_FENCE, request, steps: [] }, running)
        })
        if (shared !== null) await shared.admit(turnId, sessionKey)
        const kept = await store.turns.accept({ turnId, request, now: clock.now(), queued, lease: watch.lease() })
        if (kept.repeatedOf === null) noteTurn('turn-accepted', turnId, kept.sessionId, request)
        const durable = isPromised(request) ? kept.durable() : null
        if (durable !== null) running.holdUntil(durable)
        accepted.resolve(kept)
        if (durable !== null) await durable
        if (kept.isBehind) await cluster?.letGo(turnId).then(() => cluster.follow(turnId))
        if (kept.repeatedOf === null) return { turnId, sessionId: kept.sessionId, sessionKey, status: queued || kept.isBehind ? 'queued' : 'started' }
        await cluster?.letGo(turnId)
        turns.remove(turnId)
        if (listener !== undefined) {
          const first = turns.get(kept.repeatedOf) ?? (shared === null ? undefined : await shared.find(kept.repeatedOf))
          first?.listen(listener, pace)
        }
        return { turnId: kept.repeatedOf, sessionId: kept.sessionId, sessionKey, status: 'repeated' }
      } catch (error) {
        accepted.resolve(null)
        await cluster?.letGo(turnId)
        turns.remove(turnId)
        throw error
      }
    },

    async wait(turnId, signal): Promise<TurnResult> {
      const running = turns.get(turnId) ?? (shared === null ? undefined : await shared.find(turnId))
      return running === undefined ? resultOf(turnId) : orAborted(running.result, signal)
    },

    async waitOrAsked(turnId, signal) {
      const running = turns.get(turnId) ?? (shared === null ? undefined : await shared.find(turnId))
      if (running === undefined) return resultOf(turnId)
      const asked = Promise.withResolvers<readonly Approval[]>()
      const leave = running.listen((event) => {
        if (event.type === 'approval-requested') asked.resolve(event.approvals)
      }, 'answers')
      try {
        if (cluster !== null || waiting.has(turnId)) {
          const questions = (await store.approvals.ofTurn(turnId)).filter(({ status }) => status === 'pending')
          if (questions.length > 0) return questions
        }
        return await orAborted(Promise.race([running.result, asked.promise]), signal)
      } finally {
        leave()
      }
    },

    async events(turnId, seq) {
      return cluster === null ? [] : cluster.store.events.after(turnId, seq, MAX_EVENTS)
    },

    abort(target, reason) {
      if (shared !== null) return shared.abort(target, reason)
      const count = turns.abort(
        (turn) => ('turnId' in target ? turn.turnId === target.turnId : turn.sessionKey === target.sessionKey && target.sessionKey !== null),
        reason,
      )
      waiting.wakeCancelled()
      return count
    },

    async resume(turnId) {
      if (halt.signal.aborted) throw new AppError('gateway/stopping')
      const known = await store.turns.history.get(turnId)
      if (known === null) throw new AppError('turn/not-found', turnId)
      if (known.wakesAt !== null) {
        await store.turns.leases.wake(turnId)
        return shared === null ? waiting.look(turnId) : shared.wake([turnId])
      }
      if (known.state === 'waiting') throw new AppError('turn/ended', 'it waits for the owner', { hint: 'Answer it: cara approvals' })
      if ((cluster === null && turns.get(turnId) !== undefined) || known.state === 'running' || known.state === 'queued')
        throw new AppError('turn/ended', 'it runs')
      if (known.state !== 'left' && !(await store.turns.history.reopen(turnId))) {
        throw new AppError('turn/ended', known.state === 'completed' ? 'it was completed' : 'its conversation has gone on since', { hint: 'Ask again' })
      }
      await (shared === null ? takeOver([turnId]) : shared.wake([turnId]))
    },

    async replay(turnId) {
      const turn = await store.turns.record(turnId)
      if (turn === null) throw new AppError('turn/not-found', turnId)
      const { replayTurn } = await import('../agent/replay.ts')
      return replayTurn(turn, agent)
    },

    approvals: desk,

    cluster:
      cluster === null
        ? null
        : {
            list: () => cluster.list(),
            async drain(id, draining) {
              if (!(await cluster.store.drain(id, draining))) throw new AppError('cluster/unknown-node', id, { hint: 'See them with: cara cluster status' })
            },
          },

    status: () => ({
      startedAt,
      activeTurns: lanes.running,
      queuedTurns: lanes.waiting,
      finishedTurns: finished,
      model: defaultModel(),
      notReady: [...(halt.signal.aborted ? ['the gateway is stopping'] : []), ...(cluster?.isDrained === true ? ['this node is drained'] : []), ...notReady()],
    }),

    models: (signal) => listModels(agent.models, agent.log, signal),
  }

  return {
    gateway,
    async recover() {
      if (shared !== null) {
        await shared.join()
        // What others have left is taken up by the looks that begin now, as room allows.
        await watch.look()
        await shared.attempt(() => store.approvals.cancelOrphans(clock.now()))
        await shared.attempt(() => desk.expire())
        return 0
      }
      await store.approvals.cancelOrphans(clock.now())
      await desk.expire()
      const unfinished = (await store.turns.unfinished()).filter(({ owner }) => owner === null || !store.turns.leases.isShared)
      for (const turn of unfinished) adopt(turn, await waitsUntil(turn.turnId))
      if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
      return unfinished.length
    },
    reauthorise() {
      const count = turns.abort(({ credential }) => isRevoked(credential), REVOKED)
      waiting.wakeCancelled()
      return count
    },
    expire: () => desk.expire(),
    async look() {
      await watch.look()
      await waiting.lookAtAll()
    },
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
      waiting.close()
      if (cluster === null || shared === null) return watch.close().catch((error: unknown) => log.warn('turn.unmoved', { error }))
      // A store that does not answer keeps nobody from stopping: the leases run out.
      const leaving = new AbortController()
      const left = shared.attempt(async () => {
        await watch.close()
        await cluster.leave()
      })
      await Promise.race([left, agent.clock.sleep(LEAVE_MS, leaving.signal).catch(() => undefined)])
      leaving.abort()
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
