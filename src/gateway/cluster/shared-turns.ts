/** What becomes of turns where the store is shared: taken up, left to others, cancelled and asked about, wherever they run. Loaded where there are others. */
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { Store, StoredTurn } from '../../contracts/store.ts'
import type { ApprovalDesk } from '../approval-desk.ts'
import type { Gateway } from '../gateway.ts'
import type { Lanes, Task } from '../lanes.ts'
import type { RunningTurn, RunningTurns } from '../running-turns.ts'
import type { Cluster } from './cluster.ts'

export interface SharedDeps {
  readonly store: Store
  readonly turns: RunningTurns
  readonly lanes: Lanes
  readonly desk: Pick<ApprovalDesk, 'hear'>
  /** The new fence; null where there is nothing to take. */
  readonly claim: (turnId: string) => Promise<number | null>
  /** Goes on with it when there is a place, before what waits here. */
  readonly adopt: (turn: StoredTurn) => void
  readonly goOn: (turnId: string) => ReturnType<Task>
  /** Until when it waits: `Infinity` for the owner's word; null where it waits for nothing. */
  readonly waitsUntil: (turnId: string) => Promise<number | null>
  readonly now: () => number
  readonly isStopping: () => boolean
  readonly maxRunning: number
  readonly maxQueuedPerSession: number
  readonly log: Log
}

export class SharedTurns {
  readonly #cluster: Cluster
  readonly #deps: SharedDeps

  constructor(cluster: Cluster, deps: SharedDeps) {
    this.#cluster = cluster
    this.#deps = deps
  }

  async join(): Promise<void> {
    const { turns, desk } = this.#deps
    await this.#cluster.join({
      hear: ({ turnId }, event) => turns.get(turnId)?.hear(event),
      tell: (turn, event, seq) => turns.tell(turn, event, seq),
      isHeard: (turnId) => turns.hasSubscribers || turns.get(turnId) !== undefined,
      hears: () => turns.wantPieces(),
      takeUp: (turnIds) => this.#takeUp(turnIds),
      abort: (turnIds, reason) => this.#abortHere(turnIds, reason),
      approvals: (ids) => void this.attempt(() => desk.hear(ids)),
    })
  }

  /** What fails here is found by a later look, on some node. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.warn('turn.unmoved', { error })
    }
  }

  /** Room in the conversation, and in this node. Throws `gateway/stopping` and `turn/queue-full`. */
  async admit(turnId: string, sessionKey: string | null): Promise<void> {
    if (this.#cluster.isDrained) {
      throw new AppError('gateway/stopping', 'this node is drained', { hint: 'Ask another node, or let it go on: cara cluster drain NODE --off' })
    }
    this.#cluster.reserve(turnId)
    if (sessionKey === null) return
    const open = await this.#cluster.store.order.open({ sessionKey })
    if (open.length > this.#deps.maxQueuedPerSession) throw new AppError('turn/queue-full', undefined, { retryAfterMs: 5000 })
  }

  /** A run has ended here: `left` is not kept and goes on elsewhere, `waiting` for the owner, `finished` hands the conversation on. */
  async ended({ turnId, sessionId }: { readonly turnId: string; readonly sessionId: string | null }, how: 'finished' | 'waiting' | 'left'): Promise<void> {
    const cluster = this.#cluster
    await cluster.letGo(turnId)
    if (how === 'finished') {
      if (sessionId !== null && !this.#deps.isStopping()) void this.attempt(() => cluster.next(sessionId))
      return
    }
    if (how === 'left') await this.attempt(() => cluster.store.order.release(turnId, cluster.id))
    else void this.attempt(() => this.wake([turnId]))
    await this.attempt(() => cluster.follow(turnId))
  }

  /** Turns whose owner may have answered. */
  async wake(turnIds: readonly string[]): Promise<void> {
    for (const turnId of turnIds) await this.#take(turnId)
  }

  /** They are ours already. */
  async takeOver(turnIds: readonly string[]): Promise<void> {
    for (const turnId of turnIds) await this.#run(turnId)
  }

  /** Open turns are cancelled on the node that carries them on, or, where nobody does, by taking them up. Says how many. */
  async abort(target: Parameters<Gateway['abort']>[0], reason: string): Promise<number> {
    const { turns, lanes, store, claim, goOn } = this.#deps
    const cluster = this.#cluster
    const open = await cluster.store.order.open(target)
    const carried: string[] = []
    // Those that wait first: the end of the running one would hand the next on.
    for (const turnId of open.toReversed()) {
      if (cluster.isMine(turnId)) continue
      cluster.reserve(turnId)
      await store.turns.leases.wake(turnId)
      const turn = (await claim(turnId)) === null ? null : await store.turns.open(turnId)
      if (turn === null) {
        carried.push(turnId)
        await cluster.letGo(turnId)
        continue
      }
      const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey: turn.sessionKey }, null, turn.request.credential)
      running.controller.abort(new DOMException(reason, 'AbortError'))
      lanes.enterFirst(() => goOn(turnId))
    }
    this.#abortHere(open, reason)
    if (carried.length > 0) cluster.send({ kind: 'abort', turns: carried, reason })
    return open.length
  }

  /** A turn that somebody asks about and that another node carries on; undefined when it has ended. */
  async find(turnId: string): Promise<RunningTurn | undefined> {
    const { turns, store } = this.#deps
    const open = await store.turns.open(turnId)
    if (open === null) return undefined
    const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey: open.sessionKey }, null, open.request.credential)
    await this.#cluster.follow(turnId)
    return running
  }

  /** What nobody holds, and no more than there is room for: other nodes may have some. */
  async #takeUp(turnIds: readonly string[]): Promise<void> {
    const { lanes, maxRunning } = this.#deps
    for (const turnId of turnIds) if (lanes.running + lanes.waiting < maxRunning) await this.#take(turnId)
  }

  async #take(turnId: string): Promise<void> {
    const { waitsUntil, now, isStopping } = this.#deps
    const cluster = this.#cluster
    if (cluster.isMine(turnId) || cluster.isDrained || isStopping()) return
    const until = await waitsUntil(turnId)
    if ((until !== null && until > now()) || cluster.isMine(turnId)) return
    cluster.reserve(turnId)
    await this.#run(turnId)
  }

  async #run(turnId: string): Promise<void> {
    const turn = await this.#deps.store.turns.open(turnId).catch(() => null)
    if (turn === null) await this.#cluster.letGo(turnId)
    else this.#deps.adopt(turn)
  }

  #abortHere(turnIds: readonly string[], reason: string): void {
    const wanted = new Set(turnIds)
    this.#deps.turns.abort(({ turnId }) => wanted.has(turnId) && this.#cluster.isMine(turnId), reason)
  }
}
