/** What becomes of turns where the store is shared: taken up, left to others, cancelled and asked about, wherever they run. Loaded where there are others. */
import { AppError } from '../../contracts/errors.ts'
import type { KeptEvent } from '../../contracts/cluster.ts'
import type { Company, CompanyParts, LeftRun, RunEnd } from '../company.ts'
import type { ClusterView, Gateway } from '../gateway.ts'
import { failedEnd } from '../handle-message.ts'
import type { Task } from '../lanes.ts'
import type { RunningTurn } from '../running-turns.ts'
import { waitsUntil } from '../waiting-turns.ts'
import type { Cluster } from './cluster.ts'
import { TurnCancelling } from './turn-cancelling.ts'

/** At a stop a store that does not answer is not waited for longer: the leases run out. */
const LEAVE_MS = 3000
/** Kept events that are read at once. */
const MAX_EVENTS = 500

export class SharedTurns implements Company {
  readonly view: ClusterView
  readonly #cluster: Cluster
  readonly #parts: CompanyParts
  readonly #cancelling: TurnCancelling

  constructor(cluster: Cluster, parts: CompanyParts) {
    this.#cluster = cluster
    this.#parts = parts
    this.#cancelling = new TurnCancelling(cluster, parts)
    this.view = {
      list: () => cluster.list(),
      async drain(id, draining) {
        if (!(await cluster.store.drain(id, draining))) throw new AppError('cluster/unknown-node', id, { hint: 'See them with: cara cluster status' })
      },
    }
  }

  notReady(): readonly string[] {
    return this.#cluster.isDrained ? ['this node is drained'] : []
  }

  /** The order of a conversation stands in the store. */
  laneOf(): null {
    return null
  }

  /** What fails here is found by a later look, on some node. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#parts.log.warn('turn.unmoved', { error })
    }
  }

  /** Room in the conversation, and in this node. */
  async admit(turnId: string, sessionKey: string | null): Promise<void> {
    if (this.#cluster.isDrained) {
      throw new AppError('gateway/stopping', 'this node is drained', { hint: 'Ask another node, or let it go on: cara cluster drain NODE --off' })
    }
    this.#cluster.reserve(turnId)
    if (sessionKey === null) return
    const open = await this.#cluster.store.order.open({ sessionKey })
    if (open.length > this.#parts.limits.maxWaitingPerLane) throw new AppError('turn/queue-full', undefined, { retryAfterMs: 5000 })
  }

  letGo(turnId: string): Promise<void> {
    return this.#cluster.letGo(turnId)
  }

  async waitBehind(turnId: string): Promise<void> {
    await this.#cluster.letGo(turnId)
    await this.#cluster.follow(turnId)
  }

  carry(turn: RunningTurn, fence: number): void {
    this.#cluster.carry(turn, fence)
  }

  wantsPieces({ wantsPieces }: RunningTurn): () => boolean {
    return () => wantsPieces() || this.#cluster.isHeardElsewhere
  }

  ended(turn: { readonly turnId: string; readonly sessionId: string | null }, _running: RunningTurn, how: RunEnd): Promise<void> {
    return this.#settle(turn, how)
  }

  /** At a stop nobody can hear more here; otherwise whoever waits hears how it goes on elsewhere. */
  async left(turn: LeftRun, running: RunningTurn): Promise<void> {
    if (this.#parts.isAbandoned()) running.hear(failedEnd(running, new AppError('turn/interrupted')))
    await this.#settle(turn, 'left')
  }

  /** Somebody else was quicker, or the store cannot say: whoever waits here hears how it goes on. */
  async untaken(running: RunningTurn, error: unknown): Promise<void> {
    if (this.#parts.isAbandoned()) running.hear(failedEnd(running, error))
    else await this.#settle({ turnId: running.turnId, sessionId: null }, 'left')
  }

  givesUp(): null {
    return null
  }

  hurry(): false {
    return false
  }

  /** `finished` hands the conversation on. */
  async #settle({ turnId, sessionId }: { readonly turnId: string; readonly sessionId: string | null }, how: RunEnd | 'left'): Promise<void> {
    const cluster = this.#cluster
    await cluster.letGo(turnId)
    if (how === 'finished') {
      if (sessionId !== null && !this.#parts.isStopping()) void this.#attempt(() => cluster.next(sessionId))
      return
    }
    if (how === 'left') await this.#attempt(() => cluster.store.order.release(turnId, cluster.id))
    else void this.#attempt(() => this.wake(turnId))
    await this.#attempt(() => cluster.follow(turnId))
  }

  enter(_sessionKey: string | null, task: Task): void {
    this.#parts.lanes.enterFirst(task)
  }

  asked(approvalIds: readonly string[]): void {
    this.#cluster.send({ kind: 'approvals', ids: approvalIds, node: this.#cluster.id })
  }

  answered(turnIds: readonly string[], approvalIds: readonly string[]): void {
    this.asked(approvalIds)
    void this.#attempt(async () => {
      for (const turnId of turnIds) await this.#take(turnId)
    })
  }

  wake(turnId: string): Promise<void> {
    return this.#take(turnId)
  }

  takeUp(turnId: string): Promise<void> {
    return this.#take(turnId)
  }

  /** The store says it. */
  isRunning(): boolean {
    return false
  }

  mayWait(): boolean {
    return true
  }

  events(turnId: string, seq: number): Promise<readonly KeptEvent[]> {
    return this.#cluster.store.events.after(turnId, seq, MAX_EVENTS)
  }

  /** They are ours already. */
  async takeOver(turnIds: readonly string[]): Promise<void> {
    for (const turnId of turnIds) await this.#run(turnId)
  }

  abort(...[target, reason]: Parameters<Gateway['abort']>): Promise<number> {
    return this.#cancelling.abort(target, reason)
  }

  /** A turn that somebody asks about and that another node carries on; undefined when it has ended. */
  async find(turnId: string): Promise<RunningTurn | undefined> {
    const { turns, store } = this.#parts
    const open = await store.turns.open(turnId)
    if (open === null) return undefined
    const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey: open.sessionKey }, null, open.request.credential)
    await this.#cluster.follow(turnId)
    return running
  }

  async recover(): Promise<number> {
    const { turns, desk, watch, store } = this.#parts
    await this.#cluster.join({
      hear: ({ turnId }, event) => turns.get(turnId)?.hear(event),
      tell: (turn, event, seq) => turns.tell(turn, event, seq),
      isHeard: (turnId) => turns.hasSubscribers || turns.get(turnId) !== undefined,
      hears: () => turns.wantPieces(),
      takeUp: (turnIds) => this.#takeUp(turnIds),
      abort: (turnIds, reason) => this.#cancelling.abortHere(turnIds, reason),
      lost: (turnIds) => this.#cancelling.abortHere(turnIds, 'Another node has taken it'),
      look: () => this.#cancelling.look(),
      approvals: (ids) => void this.#attempt(() => desk.hear(ids)),
    })
    // What others have left is taken up by the looks that begin now, as room allows.
    await watch.look()
    await this.#attempt(() => store.approvals.cancelOrphans(this.#cluster.clock.now()))
    await this.#attempt(() => desk.expire())
    return 0
  }

  async leave(): Promise<void> {
    const patience = new AbortController()
    const left = this.#attempt(async () => {
      await this.#parts.watch.close()
      await this.#cluster.leave()
    })
    await Promise.race([left, this.#cluster.clock.sleep(LEAVE_MS, patience.signal).catch(() => undefined)])
    patience.abort()
  }

  /** What nobody holds, and no more than there is room for: other nodes may have some. */
  async #takeUp(turnIds: readonly string[]): Promise<void> {
    const { lanes, limits } = this.#parts
    for (const turnId of turnIds) if (lanes.running + lanes.waiting < limits.maxRunning) await this.#take(turnId)
  }

  async #take(turnId: string): Promise<void> {
    const { store, isStopping } = this.#parts
    const cluster = this.#cluster
    if (cluster.isMine(turnId) || cluster.isDrained || isStopping()) return
    const until = await waitsUntil(store, turnId)
    if ((until !== null && until > cluster.clock.now()) || cluster.isMine(turnId)) return
    cluster.reserve(turnId)
    await this.#run(turnId)
  }

  async #run(turnId: string): Promise<void> {
    const turn = await this.#parts.store.turns.open(turnId).catch(() => null)
    if (turn === null) await this.#cluster.letGo(turnId)
    else this.#parts.adopt(turn)
  }
}
