/**
 * Cancels turns, wherever they run. What another node carries on is marked in the store before anybody is told: so it ends also where that node was cut off at this moment, or dies, and whoever
 * takes the turn over ends it.
 */
import type { CompanyParts } from '../company.ts'
import type { Gateway } from '../gateway.ts'
import type { Cluster } from './cluster.ts'

/** Looked at with each sign of life. */
const MAX_LOOKED_AT = 100
/** Where the words of whoever did it are not known. */
const CANCELLED = 'It was cancelled'

export class TurnCancelling {
  readonly #cluster: Cluster
  readonly #parts: CompanyParts

  constructor(cluster: Cluster, parts: CompanyParts) {
    this.#cluster = cluster
    this.#parts = parts
  }

  /** Open turns are cancelled on the node that carries them on, or, where nobody does, by taking them up. Says how many. */
  async abort(target: Parameters<Gateway['abort']>[0], reason: string): Promise<number> {
    const { order } = this.#cluster.store
    const open = await order.open(target)
    const carried: string[] = []
    // Those that wait first: the end of the running one would hand the next on.
    for (const turnId of open.toReversed()) if (!(await this.#takeToEnd(turnId, reason))) carried.push(turnId)
    this.abortHere(open, reason)
    if (carried.length > 0) await order.cancel(carried, reason)
    return open.length
  }

  abortHere(turnIds: readonly string[], reason: string): void {
    const wanted = new Set(turnIds)
    this.#parts.turns.abort(({ turnId }) => wanted.has(turnId) && this.#cluster.isMine(turnId), reason)
  }

  /** What was cancelled while nobody could be told, or while the turn changed hands. */
  async look(): Promise<void> {
    if (this.#parts.isStopping()) return
    const found = await this.#cluster.store.order.cancelled(this.#cluster.id, MAX_LOOKED_AT)
    this.abortHere(
      found.map(({ turnId }) => turnId),
      CANCELLED,
    )
    for (const { turnId, isHeld } of found) if (!isHeld) await this.#takeToEnd(turnId, CANCELLED)
  }

  /** Takes a turn that nobody carries on, to end it. False where another node has it. */
  async #takeToEnd(turnId: string, reason: string): Promise<boolean> {
    const { turns, lanes, store, watch, goOn } = this.#parts
    const cluster = this.#cluster
    if (cluster.isMine(turnId)) return true
    cluster.reserve(turnId)
    await store.turns.leases.wake(turnId)
    const turn = (await watch.claim(turnId)) === null ? null : await store.turns.open(turnId)
    if (turn === null) {
      await cluster.letGo(turnId)
      return false
    }
    const running = turns.get(turnId) ?? turns.add({ turnId, sessionKey: turn.sessionKey }, null, turn.request.credential)
    running.controller.abort(new DOMException(reason, 'AbortError'))
    lanes.enterFirst(() => goOn(turnId))
    return true
  }
}
