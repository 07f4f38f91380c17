/** The one way out: what leaves, and what comes back. */
import type { Duplex } from 'node:stream'
import type { Cleared } from './cleared.ts'

export interface EgressRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: URL
  /** A value may hold `{{secret:NAME}}`: the checkpoint puts the secret in, for its hosts. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Milliseconds until response headers, 30,000 by default. */
  readonly headersTimeoutMs?: number
  /** Milliseconds between body chunks, 90,000 by default. */
  readonly idleTimeoutMs?: number
  /** Milliseconds until the body has ended, over all redirects. By default there is no such limit for configured origins, and 60,000 for public hosts. */
  readonly totalTimeoutMs?: number
  /** Bytes of body after which reading fails, 64 MiB by default. */
  readonly maxBodyBytes?: number
  /** Redirects that are followed: none by default, five at most. Every hop passes the whole checkpoint; credentials and bodies stay with the first origin. */
  readonly maxRedirects?: number
  /** What the caller was set up to reach; the egress checkpoint compares `url` against it. */
  readonly policy: EgressPolicy
  /** The addresses that the checkpoint resolved and checked: a public host is reached at one of these and nowhere else. What a caller writes here is replaced or refused. */
  readonly pinned?: readonly string[]
  /** Headers in which the checkpoint put named secrets; they replace those of the same name. A caller that writes them is refused. */
  readonly credentials?: Readonly<Record<string, string>>
}

export type EgressPolicy = ConfiguredOrigins | PublicHosts

/**
 * The exact `scheme://host:port` that the owner named for this caller; private and loopback ones are meant when they are named. Plain http passes only to loopback
 * addresses.
 */
export interface ConfiguredOrigins {
  readonly origins: readonly string[]
}

/** Any https host, whoever named it, as long as every address of it is a public one. Such a request carries no credentials but named secrets, by placeholder. */
export interface PublicHosts {
  readonly hosts: 'public'
}

export interface EgressResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Single use. Leaving the loop early, or an abort, closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
  /** Who answered, where redirects were followed. */
  readonly url?: URL
}

/** Sends one cleared request; redirects are not followed. Throws `AppError('net/…')` whose message names the origin at most: no path, query or credential. */
export type Transport = (request: Cleared<EgressRequest>, signal: AbortSignal) => Promise<EgressResponse>

/** All addresses of a host name, at least one; throws `AppError('net/…')`, which names the host at most. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

/** What leaves hold: the egress checkpoint runs inside, again for each redirect. */
export type EgressFetch = (request: EgressRequest, signal: AbortSignal) => Promise<EgressResponse>

/** Connects to where a cleared request for a public host would go, and sends nothing: what follows is the caller's. Throws `AppError('net/…')`. */
export type TunnelTransport = (request: Cleared<EgressRequest>, signal: AbortSignal) => Promise<Duplex>

/** A bare connection to the host and port of an https address; the egress checkpoint runs inside. */
export type EgressTunnel = (url: URL, signal: AbortSignal) => Promise<Duplex>
