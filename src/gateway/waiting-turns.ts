/** Turns that wait, for the owner or for a moment, and their lanes. Everything else of them is in the journal: nothing of a run stays in memory, and whoever wakes one takes it up as after a crash. */
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Store } from '../contracts/store.ts'
import type { Lanes, Task } from './lanes.ts'

export interface WaitingDeps {
  readonly lanes: Lanes
  /** Until when the turn waits, `Infinity` for an answer of the owner; null where it waits for nothing. */
  readonly waitsUntil: (turnId: string) => Promise<number | null>
  readonly isCancelled: (turnId: string) => boolean
  /** Goes on with the turn, in its place. */
  readonly goOn: (turnId: string) => ReturnType<Task>
  readonly clock: Clock
  readonly log: Log
}

/** The longest that a timer sleeps before it looks again. */
const MAX_SLEEP_MS = 3_600_000

/** `Infinity` where the owner is asked; null where it waits for nothing. */
export async function waitsUntil({ approvals, turns }: Store, turnId: string): Promise<number | null> {
  return (await approvals.pending(turnId)) > 0 ? Infinity : turns.leases.sleepsUntil(turnId)
}

export class WaitingTurns {
  readonly #deps: WaitingDeps
  readonly #lanes = new Map<string, string | null>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(deps: WaitingDeps) {
    this.#deps = deps
  }

  has(turnId: string): boolean {
    return this.#lanes.has(turnId)
  }

  /** One that an earlier process left waiting until then. */
  keep(turnId: string, lane: string | null, until: number): void {
    if (lane !== null) this.#deps.lanes.park(lane)
    this.#lanes.set(turnId, lane)
    this.#wakeAt(turnId, until)
  }

  /** Its lane is parked. The answer may have come, or the turn may have been cancelled, before. */
  park(turnId: string, lane: string | null): void {
    this.#lanes.set(turnId, lane)
    if (this.#deps.isCancelled(turnId)) this.wake(turnId)
    else void this.look(turnId)
  }

  /** Wakes it where it waits for nothing any more. */
  async look(turnId: string): Promise<void> {
    if (!this.#lanes.has(turnId)) return
    try {
      const until = await this.#deps.waitsUntil(turnId)
      if (until === null || until <= this.#deps.clock.now()) this.wake(turnId)
      else this.#wakeAt(turnId, until)
    } catch (error) {
      // It waits on: the next answer, or the next start, looks again.
      this.#deps.log.error('turn.unread', { turn: turnId, error })
      this.#wakeAt(turnId, this.#deps.clock.now() + MAX_SLEEP_MS / 60)
    }
  }

  async lookAtAll(): Promise<void> {
    for (const turnId of this.#lanes.keys()) await this.look(turnId)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
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
    clearTimeout(this.#timers.get(turnId))
    this.#timers.delete(turnId)
    this.#deps.lanes.resume(lane, () => this.#deps.goOn(turnId))
  }

  #wakeAt(turnId: string, until: number): void {
    clearTimeout(this.#timers.get(turnId))
    if (until === Infinity) return void this.#timers.delete(turnId)
    const ms = Math.min(MAX_SLEEP_MS, Math.max(0, until - this.#deps.clock.now()))
    this.#timers.set(turnId, setTimeout(() => void this.look(turnId), ms).unref())
  }
}
