/** Turns that wait for the owner, and their lanes. Everything else of them is in the journal: nothing of a run stays in memory, and whoever wakes one takes it up as after a crash. */
import type { Log } from '../contracts/log.ts'
import type { Lanes, Task } from './lanes.ts'

export interface WaitingDeps {
  readonly lanes: Lanes
  /** Questions of the turn that are not answered yet. */
  readonly pending: (turnId: string) => Promise<number>
  readonly isCancelled: (turnId: string) => boolean
  /** Goes on with the turn, in its place. */
  readonly goOn: (turnId: string) => ReturnType<Task>
  readonly log: Log
}

export class WaitingTurns {
  readonly #deps: WaitingDeps
  readonly #lanes = new Map<string, string | null>()

  constructor(deps: WaitingDeps) {
    this.#deps = deps
  }

  has(turnId: string): boolean {
    return this.#lanes.has(turnId)
  }

  /** One that an earlier process left waiting. */
  keep(turnId: string, lane: string | null): void {
    if (lane !== null) this.#deps.lanes.park(lane)
    this.#lanes.set(turnId, lane)
  }

  /** Its lane is parked. The answer may have come, or the turn may have been cancelled, before. */
  park(turnId: string, lane: string | null): void {
    this.#lanes.set(turnId, lane)
    if (this.#deps.isCancelled(turnId)) this.wake(turnId)
    else void this.wakeIfAnswered(turnId)
  }

  async wakeIfAnswered(turnId: string): Promise<void> {
    try {
      if (this.#lanes.has(turnId) && (await this.#deps.pending(turnId)) === 0) this.wake(turnId)
    } catch (error) {
      // It waits on: the next answer, or the next start, looks again.
      this.#deps.log.error('approval.unread', { turn: turnId, error })
    }
  }

  /** What was cancelled while it waited ends now, and its questions with it. */
  wakeCancelled(): void {
    for (const turnId of this.#lanes.keys()) if (this.#deps.isCancelled(turnId)) this.wake(turnId)
  }

  wakeAll(): void {
    for (const turnId of this.#lanes.keys()) this.wake(turnId)
  }

  wake(turnId: string): void {
    const lane = this.#lanes.get(turnId)
    if (lane === undefined) return
    this.#lanes.delete(turnId)
    this.#deps.lanes.resume(lane, () => this.#deps.goOn(turnId))
  }
}
