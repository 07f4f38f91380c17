/**
 * Turns whose end could not be kept, in a gateway that shares its store with nobody. Each waits, with its lane, until the store may work again, and is then taken up from its journal: sooner at first,
 * then later and later. One that ran to its end several times and could not be kept each time ends as stuck, so that no model is asked for ever.
 */
import { AppError } from '../contracts/errors.ts'

const FIRST_PAUSE_MS = 5000
const MAX_PAUSE_MS = 600_000
const MAX_RUNS = 3

export class UnkeptTurns {
  readonly #turns = new Map<string, { readonly tries: number; readonly runs: number }>()

  has(turnId: string): boolean {
    return this.#turns.has(turnId)
  }

  /** It could not be kept, or not be taken up: how long it waits now. */
  pause(turnId: string): number {
    const { tries, runs } = this.#turns.get(turnId) ?? { tries: 0, runs: 0 }
    this.#turns.set(turnId, { tries: tries + 1, runs })
    return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10))
  }

  /** It was taken up: null where it may run once more. */
  givesUp(turnId: string): AppError | null {
    const known = this.#turns.get(turnId)
    if (known === undefined) return null
    this.#turns.set(turnId, { ...known, runs: known.runs + 1 })
    return known.runs < MAX_RUNS ? null : new AppError('turn/stuck', 'its end could not be kept')
  }

  over(turnId: string): void {
    this.#turns.delete(turnId)
  }
}
