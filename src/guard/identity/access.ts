/**
 * Who may come in, and until when. Tokens are compared here, at once; sessions and devices are asked only where there are some. Whoever closes a credential tells `ended`: open
 * connections are looked at again, and what they had sent is authorised anew.
 */
import { hash } from 'node:crypto'
import type { Device } from '../../contracts/device.ts'
import { covers, type Principal } from '../../contracts/principal.ts'
import type { Scope } from '../../contracts/scope.ts'
import { secretMatcher } from '../../std/constant-time.ts'
import { FailedAttempts, TokenBuckets } from '../stages/request/rate-limits.ts'

/** Browser sessions; loaded by the first login. */
export interface SessionBook {
  /** By the secret of its cookie. Finding it is using it. */
  find(secret: string, now: number): FoundSession | null
  isCurrent(principal: Principal, now: number): boolean
  /** The same, and counts as use. */
  use(principal: Principal, now: number): boolean
  /** What its own page may know; null for another principal. */
  describe(principal: Principal): { readonly csrfToken: string; readonly expiresAt: number } | null
  end(principal: Principal): boolean
  endAll(): number
}

export interface FoundSession {
  readonly principal: Principal
  /** The page that it was opened from. */
  readonly origin: string
  /** Compares in constant time. */
  readonly isCsrfToken: (given: string) => boolean
}

/** Paired devices; loaded where there are some. */
export interface DeviceBook {
  byToken(token: string, now: number): Principal | null
  isCurrent(principal: Principal, now: number): boolean
  scopesOf(credential: string, now: number): readonly Scope[] | null
  find(principal: Principal): Device | null
  touch(principal: Principal): void
}

/** Wrong ones a minute. */
const MAX_PASSWORDS = 100
/** A second, and at once. */
const STRANGER_RATE = { perSecond: 100, burst: 200 }

interface Known {
  readonly matches: (given: string) => boolean
  readonly principal: Principal
}

/** Safe to keep: 16 bits, enough to tell one token from the next, of no use to a guesser. */
export function tokenCredential(token: string): string {
  return `token:${hash('sha256', `carapace credential\n${token}`).slice(0, 4)}`
}

export function ownerOf(token: string): Principal {
  return { id: 'owner', scopes: ['operator.admin'], credential: tokenCredential(token) }
}

export const DEVICE_TOKEN_PREFIX = 'cara_device_'

export class Access {
  readonly failures: FailedAttempts
  /** Wrong passwords, wherever from: a crowd of addresses is no crowd of chances. */
  readonly passwords = new FailedAttempts(MAX_PASSWORDS)
  /** Attempts of strangers, by address. */
  readonly strangers = new TokenBuckets(STRANGER_RATE.perSecond, STRANGER_RATE.burst)
  /** Of strangers that want to be admitted as devices, by address. */
  readonly pairRates = new TokenBuckets(2, 20)
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  #known: readonly Known[]
  sessions: SessionBook | null = null
  devices: DeviceBook | null = null
  /** The credential of everything that came by the password; null where there is none. */
  passwordCredential: string | null = null
  /** Names of the owner on his tailnet, with what they may do; empty where that is off. */
  tailnet: ReadonlyMap<string, Principal> = new Map()

  constructor(tokens: readonly (readonly [token: string, principal: Principal])[], options: { readonly failedAuthLimit: number; readonly now: () => number }) {
    this.#known = tokens.map(([token, principal]) => ({ matches: secretMatcher(token), principal }))
    this.failures = new FailedAttempts(options.failedAuthLimit)
    this.#now = options.now
  }

  authenticate(token: string): Principal | null {
    for (const { matches, principal } of this.#known) if (matches(token)) return principal
    return this.devices !== null && token.startsWith(DEVICE_TOKEN_PREFIX) ? this.devices.byToken(token, this.#now()) : null
  }

  session(secret: string): FoundSession | null {
    return this.sessions?.find(secret, this.#now()) ?? null
  }

  /** Whether this very principal may still act. */
  isCurrent(principal: Principal): boolean {
    if (this.#known.some((known) => known.principal === principal) || this.tailnet.get(principal.id) === principal) return true
    return this.sessions?.isCurrent(principal, this.#now()) === true || this.devices?.isCurrent(principal, this.#now()) === true
  }

  /** The same for a request on a connection that stays open: it keeps a session from idling. */
  isInUse(principal: Principal): boolean {
    return this.sessions?.use(principal, this.#now()) === true || this.isCurrent(principal)
  }

  /** Whether a turn that came by this credential may begin now. A lost browser session is none that was taken away. */
  maySend(credential: string): boolean {
    return covers(this.scopesOf(credential) ?? [], 'operator.write')
  }

  /** What this credential may do now; null for one that has ended. */
  scopesOf(credential: string): readonly Scope[] | null {
    for (const { principal } of this.#known) if (principal.credential === credential) return principal.scopes
    for (const principal of this.tailnet.values()) if (principal.credential === credential) return principal.scopes
    return credential === this.passwordCredential ? ['operator.admin'] : (this.devices?.scopesOf(credential, this.#now()) ?? null)
  }

  /** The old token opens nothing from here on. */
  replaceToken(token: string): void {
    const [, ...others] = this.#known
    this.#known = [{ matches: secretMatcher(token), principal: ownerOf(token) }, ...others]
    this.ended()
  }

  /** Something was taken away. */
  ended(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Returns the way to stop listening. */
  onEnded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
