/** Counts what runs, so that closing can wait for it. */
import type { Gateway } from '../gateway/gateway.ts'

export class Drain {
  readonly #gateway: Gateway
  #running = 0
  #draining = false
  #check: () => void = () => undefined

  constructor(gateway: Gateway) {
    this.#gateway = gateway
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** One more runs until the returned function is called. */
  enter(): () => void {
    this.#running++
    return () => {
      this.#running--
      this.#check()
    }
  }

  /** Nothing new from now on. Resolves when no request and no turn runs, or after `graceMs`. */
  async begin(graceMs: number): Promise<void> {
    this.#draining = true
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs)
    this.#check = () => {
      const { activeTurns, queuedTurns } = this.#gateway.status()
      if (this.#running === 0 && activeTurns === 0 && queuedTurns === 0) resolve()
    }
    const unsubscribe = this.#gateway.subscribe((_, event) => {
      // The gateway counts down after it has told; ask a moment later.
      if (event.type === 'turn-finished') setImmediate(this.#check)
    })
    this.#check()
    await promise
    clearTimeout(timer)
    unsubscribe()
  }
}
