/** One flush at a time: who asks while one runs shares the next, because the running one may have begun before his lines. */
export class SharedFlush {
  readonly #flush: () => Promise<void>
  readonly #ended: () => void
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null

  /** `ended` is called after every flush, failed or not. */
  constructor(flush: () => Promise<void>, ended: () => void) {
    this.#flush = flush
    this.#ended = ended
  }

  /** Resolves when all that is written now is on the disk. */
  request(): Promise<void> {
    if (this.#running === null) return this.#begin()
    return (this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null
        return this.#begin()
      }))
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Resolves when none runs, whatever became of it. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }

  #begin(): Promise<void> {
    const running = this.#flush().finally(() => {
      if (this.#running === running) this.#running = null
      this.#ended()
    })
    this.#running = running
    return running
  }
}
