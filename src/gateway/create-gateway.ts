/** The gateway: what it is made of, what doors may ask, and how it starts and stops. */
import { AppError } from '../contracts/errors.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import { alone } from './alone.ts'
import { ApprovalDesk } from './approval-desk.ts'
import type { Company, Place } from './company.ts'
import type { DefaultModel, Gateway } from './gateway.ts'
import { Lanes } from './lanes.ts'
import { LeaseWatch } from './lease-watch.ts'
import { listModels } from './list-models.ts'
import { resumeTurn } from './resume-turn.ts'
import { RunningTurns } from './running-turns.ts'
import { createSubmit } from './submit-message.ts'
import { REVOKED, TurnRunner } from './turn-runner.ts'
import { createWaits } from './wait-for-turn.ts'
import { WaitingTurns, waitsUntil } from './waiting-turns.ts'

export interface GatewayOptions {
  readonly agent: AgentDeps
  readonly defaultModel: () => DefaultModel
  /** Reasons for `/health/ready` beyond our own; asked at every call. */
  readonly notReady: () => readonly string[]
  /** Whether what came by this credential may still run. Asked again before a turn that waited or was recovered begins, and whenever a credential was taken away. */
  readonly maySend: (credential: string) => boolean
  /** Among those that share the store; by default it is alone. */
  readonly place?: Place | null
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

export function createGateway({ agent, defaultModel, notReady, maySend, place: given = null }: GatewayOptions): GatewayControl {
  const { store, log } = agent
  const place = given ?? alone(store, agent.clock)
  const { id: owner, clock, leases } = place
  // What nodes share of the configuration may change while they run.
  const limits = {
    get maxRunning() {
      return agent.config.agent.maxConcurrentTurns
    },
    get maxWaitingPerLane() {
      return agent.config.agent.maxQueuedPerSession
    },
    maxWaiting: MAX_WAITING,
  }
  const startedAt = clock.now()
  const halt = new AbortController()
  const abandon = new AbortController()
  const isAbandoned = () => abandon.signal.aborted
  const isRevoked = (credential: string | undefined) => credential !== undefined && !maySend(credential)

  const lanes = new Lanes(limits)
  const turns = new RunningTurns(log, place.record)
  const maxRunMs = () => agent.config.agent.budgets.maxTurnMs
  const watch = new LeaseWatch({ leases, owner, maxRunMs, onLapsed: (turnIds) => company.takeOver(turnIds), clock, log })
  const waiting = new WaitingTurns({
    lanes,
    waitsUntil: (turnId) => waitsUntil(store, turnId),
    isCancelled: (turnId) => turns.get(turnId)?.controller.signal.aborted === true,
    goOn: (turnId) => runner.goOn(turnId),
    clock,
    log,
  })
  const desk = new ApprovalDesk(agent, (turnIds, approvalIds) => company.answered(turnIds, approvalIds))
  const company: Company = place.company({
    store,
    lanes,
    turns,
    waiting,
    watch,
    desk,
    adopt: (turn, until) => runner.adopt(turn, until),
    goOn: (turnId) => runner.goOn(turnId),
    isStopping: () => halt.signal.aborted,
    isAbandoned,
    limits,
    log,
  })
  const runner = new TurnRunner({ agent, company, turns, waiting, watch, desk, isRevoked, abandoned: abandon.signal })

  const gateway: Gateway = {
    store,
    approvals: desk,
    cluster: company.view,
    submit: createSubmit({ agent, company, lanes, turns, watch, runner, clock, stopping: halt.signal }),
    ...createWaits(store, turns, company),
    subscribe: (listener, pace = 'answers') => turns.subscribe(listener, pace),
    events: (turnId, seq) => company.events(turnId, seq),
    abort: (target, reason) => company.abort(target, reason),

    async resume(turnId) {
      if (halt.signal.aborted) throw new AppError('gateway/stopping')
      await resumeTurn(turnId, store, company)
    },

    async replay(turnId) {
      const turn = await store.turns.record(turnId)
      if (turn === null) throw new AppError('turn/not-found', turnId)
      const { replayTurn } = await import('../agent/replay.ts')
      return replayTurn(turn, agent)
    },

    status: () => ({
      startedAt,
      activeTurns: lanes.running,
      queuedTurns: lanes.waiting,
      finishedTurns: runner.finished,
      model: defaultModel(),
      notReady: [...(halt.signal.aborted ? ['the gateway is stopping'] : []), ...company.notReady(), ...notReady()],
    }),

    models: (signal) => listModels(agent.models, agent.log, signal),
  }

  return {
    gateway,
    recover: () => company.recover(),
    reauthorise() {
      const aborted = turns.abort(({ credential }) => isRevoked(credential), REVOKED)
      waiting.wakeCancelled()
      return aborted.length
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
      await company.leave()
    },
  }
}
