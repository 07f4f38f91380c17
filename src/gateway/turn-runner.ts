/** Runs turns: the ones that were just accepted, those that waited, and those that another process, or an earlier one, left. */
import { AppError } from '../contracts/errors.ts'
import type { StoredTurn } from '../contracts/store.ts'
import { sentBy } from '../contracts/turn.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import { PARKED } from '../agent/turn-outcome.ts'
import type { ApprovalDesk } from './approval-desk.ts'
import type { Company } from './company.ts'
import { handleMessage, type HandledTurn } from './handle-message.ts'
import { isPromised, nobodyHears } from './intake.ts'
import type { Task } from './lanes.ts'
import { STUCK, type LeaseWatch } from './lease-watch.ts'
import type { RunningTurn, RunningTurns } from './running-turns.ts'
import type { WaitingTurns } from './waiting-turns.ts'

export interface TurnRunnerDeps {
  readonly agent: AgentDeps
  readonly company: Company
  readonly turns: RunningTurns
  readonly waiting: WaitingTurns
  readonly watch: LeaseWatch
  readonly desk: ApprovalDesk
  /** Whether what came by this credential may send no more. */
  readonly isRevoked: (credential: string | undefined) => boolean
  /** The gateway stops: what runs is left as it is. */
  readonly abandoned: AbortSignal
}

export const REVOKED = 'The credential that it came by was taken away'

export class TurnRunner {
  readonly #deps: TurnRunnerDeps
  #finished = 0

  constructor(deps: TurnRunnerDeps) {
    this.#deps = deps
  }

  get finished(): number {
    return this.#finished
  }

  /** `stoodAt`: how many steps its journal had when it stood still before. */
  async run(turn: Omit<HandledTurn, 'emit' | 'wantsPieces' | 'abandoned'>, running: RunningTurn, stoodAt: number | null = null): ReturnType<Task> {
    const { agent, company, desk, watch, isRevoked, abandoned } = this.#deps
    const { controller } = running
    if (isRevoked(turn.request.credential)) controller.abort(new DOMException(REVOKED, 'AbortError'))
    let isOver = false
    const emit: HandledTurn['emit'] = (event) => {
      if (isOver) return
      if (event.type === 'approval-requested') {
        desk.announce(event.approvals)
        company.asked(event.approvals.map(({ id }) => id))
      }
      running.emit(event)
    }
    company.carry(running, turn.fence)
    const handled = { ...turn, emit, wantsPieces: company.wantsPieces(running), abandoned }
    const end = await watch.over(handleMessage(handled, agent, controller.signal))
    if (end === STUCK) {
      isOver = true
      return this.#takeUpAgain(running, stoodAt)
    }
    if (typeof end === 'object') return company.left(turn, running, end.left)
    if (end === 'finished') this.#finished++
    return company.ended(turn, running, end === PARKED ? 'waiting' : 'finished')
  }

  /** What waited goes on, as after a crash. */
  async goOn(turnId: string): ReturnType<Task> {
    const { turns, company } = this.#deps
    const running = turns.get(turnId)
    if (running === undefined) return
    return this.#takenUp(running, (turn) => {
      const fault = company.givesUp(turnId)
      return this.run(fault === null ? turn : { ...turn, fault }, running)
    })
  }

  /** A turn that an earlier process, or another one, accepted and does not carry on any more. */
  adopt({ turnId, sessionId, sessionKey, request }: Omit<StoredTurn, 'steps'>, until: number | null = null): void {
    const { agent, company, turns, waiting } = this.#deps
    agent.audit.note({ kind: 'turn-recovered', turn: turnId, session: sessionId, door: request.door, by: sentBy(request) })
    const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey }, null, request.credential)
    const isSessionGone = sessionKey === null && request.sessionKey !== null
    if (isSessionGone || !isPromised(request)) running.controller.abort(nobodyHears())
    if (until !== null && !running.controller.signal.aborted) waiting.keep(turnId, sessionKey, until)
    else company.enter(sessionKey, () => this.goOn(turnId))
  }

  /** Takes the turn from a run that stands still: with a new fence that one can keep nothing more. Twice at the same place is enough. */
  async #takeUpAgain(running: RunningTurn, stoodAt: number | null): ReturnType<Task> {
    this.#deps.agent.log.error('turn.stuck', { turn: running.turnId })
    return this.#takenUp(running, (turn) => {
      const isSame = turn.steps.length === stoodAt
      return this.run(isSame ? { ...turn, fault: new AppError('turn/stuck') } : turn, running, turn.steps.length)
    })
  }

  /** The turn out of its journal, held by this process. What cannot be taken up stays as it is. */
  async #takenUp(running: RunningTurn, then: (turn: StoredTurn) => ReturnType<Task>): ReturnType<Task> {
    const { agent, company, watch, abandoned } = this.#deps
    const { turnId, sessionKey } = running
    try {
      if (abandoned.aborted) throw new AppError('turn/interrupted')
      const fence = await watch.claim(turnId)
      const turn = fence === null ? null : await agent.store.turns.open(turnId)
      if (turn === null || turn.fence !== fence) throw new AppError('turn/lost', turnId)
      if (turn.isCancelled) running.controller.abort(new DOMException('It was cancelled', 'AbortError'))
      return await then({ ...turn, request: { ...turn.request, sessionKey } })
    } catch (error) {
      return company.untaken(running, error)
    }
  }
}
