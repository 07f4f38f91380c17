/** What a node holds, by the database and by itself. They may differ for the moment of a commit: only what differs twice in a row is true. */
import type { TurnOrder } from '../../contracts/cluster.ts'

export class HeldTurns {
  readonly #order: TurnOrder
  readonly #node: string
  #strays: ReadonlySet<string> = new Set()
  #lost: ReadonlySet<string> = new Set()

  constructor(order: TurnOrder, node: string) {
    this.#order = order
    this.#node = node
  }

  /**
   * Lets go of what this node holds and does not know of: the commit that would have said so was lost. The ones that it carries on and does not hold: they were taken from it while it hung, or
   * could not be reached.
   */
  async compare(mine: ReadonlySet<string>, carried: readonly string[]): Promise<readonly string[]> {
    const held = new Set(await this.#order.held(this.#node))
    const strays = [...held].filter((turnId) => !mine.has(turnId))
    for (const turnId of strays) if (this.#strays.has(turnId)) await this.#order.release(turnId, this.#node)
    this.#strays = new Set(strays)
    const missing = carried.filter((turnId) => !held.has(turnId))
    const lost = missing.filter((turnId) => this.#lost.has(turnId))
    this.#lost = new Set(missing)
    return lost
  }
}
