/**
 * What this process has in its hands, of a queue that others share: its claims are renewed while the sends run, so that a lease can be short (others take over soon from one that died) and
 * a send long. Nothing happens while nothing is sent.
 */
import type { Clock } from '../../contracts/clock.ts'
import type { Log } from '../../contracts/log.ts'
import type { HeldPart, OutboxStore } from '../../contracts/outbox.ts'

export interface HeldPartsDeps {
  readonly store: Pick<OutboxStore, 'renew'>
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
}

/** Three times the pause between renewals: one may fail. */
export const LEASE_MS = 6000
const RENEW_MS = 2000

export class HeldParts {
  readonly #deps: HeldPartsDeps
  readonly #held = new Set<HeldPart>()
  #timer: AbortController | null = null

  constructor(deps: HeldPartsDeps) {
    this.#deps = deps
  }

  async while<T>(part: HeldPart, run: () => Promise<T>): Promise<T> {
    this.#held.add(part)
    if (this.#timer === null) {
      this.#timer = new AbortController()
      void this.#renewAll(this.#timer.signal)
    }
    try {
      return await run()
    } finally {
      this.#held.delete(part)
      if (this.#held.size === 0) {
        this.#timer?.abort()
        this.#timer = null
      }
    }
  }

  /** Only while the fence stands: whoever lost a claim does not get it back. */
  async #renewAll(signal: AbortSignal): Promise<void> {
    const { store, owner, clock, log } = this.#deps
    for (;;) {
      await clock.sleep(RENEW_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        await store.renew([...this.#held], { owner, until: clock.now() + LEASE_MS })
      } catch (error) {
        log.warn('message.unrenewed', { error })
      }
    }
  }
}
