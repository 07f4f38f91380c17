/** Those who want to hear of something. One that throws is logged and dropped, and nobody waits for any. */
import type { Log } from '../contracts/log.ts'

export class Listeners<Event> {
  readonly #log: Log
  readonly #listeners = new Set<(event: Event) => void>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Returns the way to stop. */
  add(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#listeners.delete(listener)
        this.#log.error('listener.defect', { error })
      }
    }
  }
}
