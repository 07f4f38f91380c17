/** Stops asking what fails: open after so many failures in a row, then, after a while, one probe at a time decides whether it closes again. */
export class Breaker {
  readonly #failures: number
  readonly #resetMs: number
  readonly #now: () => number
  #failed = 0
  #openUntil = 0
  #isProbing = false

  constructor(failures: number, resetMs: number, now: () => number) {
    this.#failures = failures
    this.#resetMs = resetMs
    this.#now = now
  }

  /** Whether to ask now. Whoever was let through says how it went. */
  admits(): boolean {
    if (this.#failed < this.#failures) return true
    if (this.#isProbing || this.#now() < this.#openUntil) return false
    this.#isProbing = true
    return true
  }

  succeeded(): void {
    this.#failed = 0
    this.#isProbing = false
  }

  failed(): void {
    this.#failed++
    this.#isProbing = false
    if (this.#failed >= this.#failures) this.#openUntil = this.#now() + this.#resetMs
  }
}
