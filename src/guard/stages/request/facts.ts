/** What the request checkpoint decides by: read from the head of a request, before its body and before any upgrade answer. */
import type { Principal } from '../../../contracts/principal.ts'
import type { Scope } from '../../../contracts/scope.ts'
import type { FailedAttempts, TokenBuckets } from './rate-limits.ts'

export interface RequestFacts {
  readonly method: string
  /** Decoded and normalised once; the router matches this very string. Null when there is no such form. */
  readonly path: string | null
  /** The peer's address; never taken from a header. */
  readonly address: string
  /** Lower-case `Host` header; null when absent or repeated. */
  readonly host: string | null
  /** `Origin` header; `invalid` when repeated. */
  readonly origin: string | null
  /** `Sec-Fetch-Site` header. */
  readonly fetchSite: string | null
  /** A header that only proxies add. */
  readonly proxyHeader: string | null
  /** `absent` without an `Authorization` header; `wrong` for any other than a token of ours. */
  readonly credential: 'absent' | 'wrong' | 'right'
  readonly principal: Principal | null
  /** What the route needs. */
  readonly scope: Scope
  /** Declared bytes of the body; null when not declared. */
  readonly contentLength: number | null
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
