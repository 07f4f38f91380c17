/**
 * What strangers did is counted where they did it, at once and in memory, before anything waits; what is counted goes from there, a few times a second, into the store and to the other nodes. So
 * whoever guesses at several nodes is locked out by the sum of it, and a restart makes nobody forget.
 */
import type { Counted, LimitKind, LimitStore } from '../contracts/limits.ts'
import type { Log } from '../contracts/log.ts'
import type { Access } from '../guard/identity/access.ts'

export interface LimitsDeps {
  readonly access: Pick<Access, 'failures' | 'passwords' | 'strangers' | 'pairRates'>
  readonly store: LimitStore
  /** Milliseconds since the epoch, by which this process counts. */
  readonly now: () => number
  /** By the clock of the store, where several nodes share it. */
  readonly storeNow: () => number
  /** Null for a gateway that is alone: nobody has to hear of what does not outlive it. */
  readonly node: string | null
  readonly log: Log
}

/** So much goes together: strangers decide how much there is. */
const TOGETHER_MS = 200
/** Until the store is asked again that did not take it. */
const AGAIN_MS = 1000
/** Told at once: a notification of PostgreSQL holds 8,000 bytes. */
const MAX_TOLD = 80
const MAX_WAITING = 5000
/** An address, a network of IPv6. */
const MAX_KEY = 60

export class SharedLimits {
  readonly #deps: LimitsDeps
  readonly #waiting = new Map<string, Counted>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #isClosed = false
  #isFailing = false

  constructor(deps: LimitsDeps) {
    this.#deps = deps
    const { access, node } = deps
    access.failures.onCounted = (key, times) => this.#count('credentials', key, times)
    access.passwords.onCounted = (key, times) => this.#count('passwords', key, times)
    if (node === null) return
    access.strangers.onTaken = (key) => this.#count('strangers', key, 1)
    access.pairRates.onTaken = (key) => this.#count('pairing', key, 1)
  }

  /** What an earlier process, or another node, has counted. What cannot be read counts as nothing, and is told. */
  async learn(): Promise<void> {
    const { access, store, now, storeNow, log } = this.#deps
    try {
      // What is counted here and not kept yet is part of the sum.
      await this.#write()
      for (const { kind, key, count, ageMs } of await store.recent(storeNow())) {
        if (kind === 'credentials') access.failures.learn(key, count, now() - ageMs, now())
        else if (kind === 'passwords') access.passwords.learn(key, count, now() - ageMs, now())
      }
    } catch (error) {
      log.warn('limits.unread', { error })
    }
  }

  /** Counted on another node. */
  hear(counted: readonly Counted[]): void {
    const { access, now } = this.#deps
    for (const { kind, key, times } of counted) {
      if (kind === 'credentials') access.failures.hear(key, times, now())
      else if (kind === 'passwords') access.passwords.hear(key, times, now())
      else if (kind === 'strangers') access.strangers.spend(key, times, now())
      else access.pairRates.spend(key, times, now())
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    while (this.#waiting.size > 0) {
      const before = this.#waiting.size
      await this.#write()
      if (this.#waiting.size >= before) return
    }
  }

  #count(kind: LimitKind, key: string, times: number): void {
    this.#add({ kind, key, times })
    this.#soon(TOGETHER_MS)
  }

  #add({ kind, key, times }: Counted): void {
    const id = `${kind} ${key}`
    const known = this.#waiting.get(id)
    if (key.length > MAX_KEY || (known === undefined && this.#waiting.size >= MAX_WAITING)) return
    this.#waiting.set(id, { kind, key, times: (known?.times ?? 0) + times })
  }

  #soon(ms: number): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => void this.#write(), ms).unref()
  }

  /** One write at a time; what could not be written waits for the next. */
  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#writeSome())
    return this.#writing
  }

  async #writeSome(): Promise<void> {
    const { store, storeNow, node, log } = this.#deps
    const chosen = [...this.#waiting].slice(0, MAX_TOLD)
    for (const [id] of chosen) this.#waiting.delete(id)
    const counted = chosen.map(([, each]) => each).filter(({ times }) => times !== 0)
    try {
      if (counted.length > 0) await store.add(counted, storeNow(), node ?? '')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) log.warn('limits.unkept', { error })
      this.#isFailing = true
      for (const each of counted) this.#add(each)
    }
    if (this.#waiting.size > 0) this.#soon(this.#isFailing ? AGAIN_MS : TOGETHER_MS)
  }
}
