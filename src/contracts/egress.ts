/** The one way out: what leaves, and what comes back. */
import type { Cleared } from './cleared.ts'

export interface EgressRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Milliseconds until response headers, 30,000 by default. */
  readonly headersTimeoutMs?: number
  /** Milliseconds between body chunks, 90,000 by default. */
  readonly idleTimeoutMs?: number
  /** Bytes of body after which reading fails, 64 MiB by default. */
  readonly maxBodyBytes?: number
  /** What the caller was set up to reach; the egress checkpoint compares `url` against it. */
  readonly policy: EgressPolicy
}

/** `origins` are the exact `scheme://host:port` that this caller may reach. Plain http passes only to loopback addresses. */
export interface EgressPolicy {
  readonly origins: readonly string[]
}

export interface EgressResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Single use. Leaving the loop early, or an abort, closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Sends one cleared request; redirects are not followed. Throws `AppError('net/…')` whose message names the origin at most: no path, query or credential. */
export type Transport = (request: Cleared<EgressRequest>, signal: AbortSignal) => Promise<EgressResponse>

/** What leaves hold: the egress checkpoint runs inside. */
export type EgressFetch = (request: EgressRequest, signal: AbortSignal) => Promise<EgressResponse>
