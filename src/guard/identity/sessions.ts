/**
 * Sessions of browsers, opened by the password. Kept in memory alone, by the hash of their secret: a restart ends them. Bounded in number, in idle and in whole time, and bound to
 * the page that they were opened from. Loaded by the first login.
 */
import { createHmac, hash, randomBytes } from 'node:crypto'
import type { Principal } from '../../contracts/principal.ts'
import { secretMatcher } from '../../std/constant-time.ts'
import type { FoundSession, SessionBook } from './access.ts'

const MAX_SESSIONS = 64
const IDLE_MS = 12 * 3_600_000
const WHOLE_MS = 7 * 24 * 3_600_000

export interface OpenedSession {
  /** Goes into the cookie, and nowhere else. */
  readonly secret: string
  readonly csrfToken: string
  readonly expiresAt: number
  readonly principal: Principal
}

interface Session extends FoundSession {
  readonly csrfToken: string
  readonly openedAt: number
  usedAt: number
}

export class Sessions implements SessionBook {
  /** By hash of the secret, oldest first. */
  readonly #sessions = new Map<string, Session>()
  readonly #byPrincipal = new Map<Principal, string>()
  readonly #key = randomBytes(32)

  open({ origin, credential, now }: { readonly origin: string; readonly credential: string; readonly now: number }): OpenedSession {
    this.#prune(now)
    const secret = randomBytes(32).toString('base64url')
    const id = hash('sha256', secret)
    const csrfToken = createHmac('sha256', this.#key).update(id).digest('base64url')
    const principal: Principal = { id: 'owner', scopes: ['operator.admin'], credential }
    this.#sessions.set(id, { principal, origin, csrfToken, isCsrfToken: secretMatcher(csrfToken), openedAt: now, usedAt: now })
    this.#byPrincipal.set(principal, id)
    return { secret, csrfToken, expiresAt: now + WHOLE_MS, principal }
  }

  find(secret: string, now: number): FoundSession | null {
    const session = this.#sessions.get(hash('sha256', secret))
    if (session === undefined || !this.use(session.principal, now)) return null
    return session
  }

  isCurrent(principal: Principal, now: number): boolean {
    const id = this.#byPrincipal.get(principal)
    const session = id === undefined ? undefined : this.#sessions.get(id)
    return session !== undefined && now - session.openedAt < WHOLE_MS && now - session.usedAt < IDLE_MS
  }

  use(principal: Principal, now: number): boolean {
    if (!this.isCurrent(principal, now)) return false
    const session = this.#sessions.get(this.#byPrincipal.get(principal) ?? '')
    if (session !== undefined) session.usedAt = now
    return true
  }

  describe(principal: Principal): { readonly csrfToken: string; readonly expiresAt: number } | null {
    const session = this.#sessions.get(this.#byPrincipal.get(principal) ?? '')
    return session === undefined ? null : { csrfToken: session.csrfToken, expiresAt: session.openedAt + WHOLE_MS }
  }

  end(principal: Principal): boolean {
    const id = this.#byPrincipal.get(principal)
    this.#byPrincipal.delete(principal)
    return id !== undefined && this.#sessions.delete(id)
  }

  /** How many there were. */
  endAll(): number {
    const { size } = this.#sessions
    this.#sessions.clear()
    this.#byPrincipal.clear()
    return size
  }

  /** Makes room: those that ran out, then the oldest. */
  #prune(now: number): void {
    for (const { principal } of this.#sessions.values()) if (!this.isCurrent(principal, now)) this.end(principal)
    for (const { principal } of this.#sessions.values()) {
      if (this.#sessions.size < MAX_SESSIONS) return
      this.end(principal)
    }
  }
}
