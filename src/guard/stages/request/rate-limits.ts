/**
 * What the request stages remember between requests: a token bucket and a count of wrong credentials per address. Synchronous, so that nothing can slip between the
 * check and the count; bounded, so that many addresses cannot fill the memory.
 */
import { ATTEMPTS_COUNT_MS } from '../../../contracts/limits.ts'

const MAX_ADDRESSES = 10_000

interface Bucket {
  tokens: number
  at: number
}

export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  readonly #perSecond: number
  readonly #burst: number
  /** Told of each token that was taken here, where others count the same ones. */
  onTaken: (key: string) => void = () => undefined

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** Takes one token; 0 when there was one, else the milliseconds until the next. */
  take(key: string, now: number): number {
    const bucket = this.#filled(key, now)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / this.#perSecond) * 1000)
    bucket.tokens -= 1
    this.onTaken(key)
    return 0
  }

  /** So many were taken elsewhere: at most as many as a full bucket are owed. */
  spend(key: string, tokens: number, now: number): void {
    const bucket = this.#filled(key, now)
    bucket.tokens = Math.max(-this.#burst, bucket.tokens - tokens)
  }

  #filled(key: string, now: number): Bucket {
    const bucket = this.#buckets.get(key) ?? this.#add(key, now)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * this.#perSecond)
    bucket.at = now
    return bucket
  }

  #add(key: string, now: number): Bucket {
    dropOldest(this.#buckets)
    const bucket = { tokens: this.#burst, at: now }
    this.#buckets.set(key, bucket)
    return bucket
  }
}

/** Whoever has one IPv6 address has the whole /64 that it lies in. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  const [head = '', tail] = address.toLowerCase().split('%', 1)[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const all = tail === undefined ? groups : [...groups, ...Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0'), ...rest]
  // The addresses of this machine and of old mappings are no networks.
  return all.slice(0, 4).every((group) => /^0*$/.test(group))
    ? address
    : `${all
        .slice(0, 4)
        .map((group) => group.replace(/^0+(?=.)/, ''))
        .join(':')}::/64`
}

interface Attempts {
  count: number
  readonly since: number
}

/** Wrong credentials per address in the running minute. */
export class FailedAttempts {
  readonly #attempts = new Map<string, Attempts>()
  readonly #limit: number
  /** Told of what is counted here, where others count the same attempts; a negative number was forgiven. */
  onCounted: (key: string, times: number) => void = () => undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts one more; 0 while the limit is not passed, else the milliseconds until attempts count anew. */
  count(key: string, now: number): number {
    this.onCounted(key, 1)
    return this.hear(key, 1, now)
  }

  /** So many were counted elsewhere. */
  hear(key: string, times: number, now: number): number {
    const attempt = this.#running(key, now) ?? this.#begin(key, now)
    attempt.count = Math.max(0, attempt.count + times)
    return attempt.count > this.#limit ? attempt.since + ATTEMPTS_COUNT_MS - now : 0
  }

  /** So many have been counted since then, by all: what is kept of them. */
  learn(key: string, count: number, since: number, now: number): void {
    if (now - since >= ATTEMPTS_COUNT_MS) return
    const attempt = this.#running(key, now) ?? this.#begin(key, Math.min(since, now))
    attempt.count = Math.max(attempt.count, count)
  }

  /** A trial that was counted turned out to be right. */
  forgive(key: string): void {
    const attempt = this.#attempts.get(key)
    if (attempt === undefined || attempt.count === 0) return
    attempt.count -= 1
    this.onCounted(key, -1)
  }

  #running(key: string, now: number): Attempts | null {
    const attempt = this.#attempts.get(key)
    return attempt === undefined || now - attempt.since >= ATTEMPTS_COUNT_MS ? null : attempt
  }

  #begin(key: string, since: number): Attempts {
    this.#attempts.delete(key)
    dropOldest(this.#attempts)
    const attempt = { count: 0, since }
    this.#attempts.set(key, attempt)
    return attempt
  }
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size < MAX_ADDRESSES) return
  const oldest = map.keys().next()
  if (oldest.done === false) map.delete(oldest.value)
}
