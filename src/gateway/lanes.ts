/**
 * One lane per conversation: what enters first runs first, one at a time. Stateless turns share a common bound with all lanes. What waits is bounded, and nothing polls.
 * A task that waits for the owner keeps its lane, so that the order stays, but takes no place among those that run.
 */
import { AppError } from '../contracts/errors.ts'

export interface LaneLimits {
  /** Tasks that run at once over all lanes. */
  readonly maxRunning: number
  /** Tasks that wait in one lane. */
  readonly maxWaitingPerLane: number
  /** Tasks that wait for a place over all lanes. */
  readonly maxWaiting: number
}

/** May end with what is to be called when its lane is parked: `resume` goes on with it. */
export type Task = () => Promise<void | (() => void)>

export class Lanes {
  readonly #limits: LaneLimits
  /** Tasks behind the running one, by lane; a lane that is absent is idle. */
  readonly #lanes = new Map<string, Task[]>()
  readonly #ready: (readonly [lane: string | null, task: Task])[] = []
  readonly #parked = new Set<string>()
  #running = 0
  #idle: (() => void)[] = []

  constructor(limits: LaneLimits) {
    this.#limits = limits
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#ready.length + this.#lanes.values().reduce((sum, tasks) => sum + tasks.length, 0)
  }

  isBusy(lane: string | null): boolean {
    return lane !== null && this.#lanes.has(lane)
  }

  /** The task must not throw. Throws `turn/queue-full` when no more may wait; work that was accepted before (`isKept`) always may. */
  enter(lane: string | null, task: Task, isKept = false): void {
    const behind = lane === null ? undefined : this.#lanes.get(lane)
    if (behind !== undefined) {
      if (!isKept && behind.length >= this.#limits.maxWaitingPerLane) throw new AppError('turn/queue-full', undefined, { retryAfterMs: 5000 })
      behind.push(task)
      return
    }
    if (!isKept && this.#running >= this.#limits.maxRunning && this.#ready.length >= this.#limits.maxWaiting) {
      throw new AppError('turn/queue-full', 'the gateway is busy', { retryAfterMs: 5000 })
    }
    if (lane !== null) this.#lanes.set(lane, [])
    this.#ready.push([lane, task])
    this.#fill()
  }

  /** Work that has waited long enough: of no lane, and before all that waits for a place. */
  enterFirst(task: Task): void {
    this.#ready.unshift([null, task])
    this.#fill()
  }

  /** A lane whose task an earlier process parked. */
  park(lane: string): void {
    if (!this.#lanes.has(lane)) this.#lanes.set(lane, [])
    this.#parked.add(lane)
  }

  /** The parked task goes on, before what waits behind it. */
  resume(lane: string | null, task: Task): void {
    if (lane !== null) this.#parked.delete(lane)
    this.#ready.push([lane, task])
    this.#fill()
  }

  /** Resolves when nothing runs or could run; what waits for the owner is left. */
  async settled(): Promise<void> {
    if (this.#running === 0 && this.#ready.length === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #fill(): void {
    while (this.#running < this.#limits.maxRunning) {
      const next = this.#ready.shift()
      if (next === undefined) break
      this.#running++
      void this.#run(...next)
    }
  }

  async #run(lane: string | null, task: Task): Promise<void> {
    let parked: void | (() => void) = undefined
    try {
      parked = await task()
    } finally {
      this.#running--
      if (parked !== undefined) {
        if (lane !== null) this.#parked.add(lane)
        parked()
      } else if (lane !== null) this.#advance(lane)
      this.#fill()
      if (this.#running === 0 && this.#ready.length === 0) {
        for (const resolve of this.#idle) resolve()
        this.#idle = []
      }
    }
  }

  #advance(lane: string): void {
    const task = this.#lanes.get(lane)?.shift()
    if (task === undefined) this.#lanes.delete(lane)
    else this.#ready.push([lane, task])
  }
}
