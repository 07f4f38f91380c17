/** What the request checkpoint decides by: read from the head of a request, before its body and before any upgrade answer. */
import type { Principal } from '../../../contracts/principal.ts'
import type { Scope } from '../../../contracts/scope.ts'
import type { FailedAttempts, TokenBuckets } from './rate-limits.ts'

export interface RequestFacts {
  readonly method: string
  /** Decoded and normalised once; the router matches this very string. Null when there is no such form. */
  readonly path: string | null
  /** The peer's address, or the client's where the peer is a trusted proxy. */
  readonly address: string
  /** Whether a trusted proxy says that the client came by TLS. */
  readonly isSecure: boolean
  /** Lower-case `Host` header, or what a trusted proxy names; null when absent or repeated. */
  readonly host: string | null
  /** `Origin` header; `invalid` when repeated. */
  readonly origin: string | null
  /** `Sec-Fetch-Site` header. */
  readonly fetchSite: string | null
  /** Why the headers that only proxies add are not believed; null where there are none, or they are. */
  readonly proxyFault: string | null
  /** `absent` without any credential; `wrong` for any that is none of ours. */
  readonly credential: 'absent' | 'wrong' | 'right'
  readonly principal: Principal | null
  /** How the cookie of a session is used; null where the credential is another. */
  readonly cookie: CookieUse | null
  /** What the route needs. */
  readonly scope: Scope
  /** The request tries a secret by its body, so that the trial itself counts. */
  readonly isAttempt: boolean
  /** A WebSocket begins, on which a proof can follow. */
  readonly isUpgrade: boolean
  /** Declared bytes of the body; null when not declared. */
  readonly contentLength: number | null
}

export interface CookieUse {
  /** `own`: the page that the session was opened from says that it asks. `implied`: nobody says who asks, and the address is that page's. */
  readonly origin: 'own' | 'implied' | 'foreign'
  readonly hasToken: boolean
}

/** What proxies add to a head; repeated members are faults. */
export interface ForwardedHead {
  /** The first of these headers, for the log. */
  readonly name: string
  readonly for: string | null
  readonly proto: string | null
  readonly host: string | null
  /** Headers that name the client in another way. */
  readonly clients: readonly string[]
  /** One came twice, or is of a kind that we do not read. */
  readonly fault: string | null
}

export interface RequestContext {
  /** The port we listen on. */
  readonly port: number
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly maxBodyBytes: number
  readonly rates: TokenBuckets
  readonly failures: FailedAttempts
  /** Milliseconds since the epoch. */
  readonly now: number
}
