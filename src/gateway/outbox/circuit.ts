/** Leaves a destination alone that fails again and again, and as long as it asks for. What is tried first after that decides whether the next ones go at once. */
import type { Clock } from '../../contracts/clock.ts'

const FAILURES = 5
const FIRST_PAUSE_MS = 60_000
const MAX_PAUSE_MS = 15 * 60_000

export class Circuit {
  readonly #clock: Pick<Clock, 'now'>
  #failed = 0
  #pausedUntil = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Nothing goes there before; in the past while all is well. */
  get pausedUntil(): number {
    return this.#pausedUntil
  }

  succeeded(): void {
    this.#failed = 0
    this.#pausedUntil = 0
  }

  /** `askedUntil`: the destination said itself when it takes more. */
  failed(askedUntil: number): void {
    const beyond = ++this.#failed - FAILURES
    const pauseMs = beyond < 0 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** beyond)
    this.#pausedUntil = Math.max(askedUntil, this.#clock.now() + pauseMs)
  }
}
