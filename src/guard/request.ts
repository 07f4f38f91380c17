/** The request checkpoint: decides on the head of every HTTP request and WebSocket upgrade, before a byte of body is read and before any answer. */
import type { Principal } from '../contracts/principal.ts'
import { clearNow, type Decision } from './run-checkpoint.ts'
import { authenticated } from './stages/request/authenticated.ts'
import { bodyWithinLimit } from './stages/request/body-within-limit.ts'
import type { RequestContext, RequestFacts } from './stages/request/facts.ts'
import { hostKnown } from './stages/request/host-known.ts'
import { notProxied } from './stages/request/not-proxied.ts'
import { originAllowed } from './stages/request/origin-allowed.ts'
import { FailedAttempts, TokenBuckets } from './stages/request/rate-limits.ts'
import { scopeGranted } from './stages/request/scope-granted.ts'
import { withinRate } from './stages/request/within-rate.ts'
import type { Checkpoint, Reporter } from './stage.ts'

export type { RequestFacts } from './stages/request/facts.ts'

export const requestCheckpoint: Checkpoint<RequestFacts, RequestContext> = {
  name: 'request',
  stages: [hostKnown, originAllowed, notProxied, withinRate, authenticated, scopeGranted, bodyWithinLimit],
}

/** Attempts of strangers per address: a second, and at once. */
const STRANGER_RATE = { perSecond: 100, burst: 200 }

export interface RequestGuardOptions {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly maxBodyBytes: number
  readonly failedAuthLimit: number
  /** Compares in constant time. */
  readonly authenticate: (token: string) => Principal | null
  readonly report: Reporter
  readonly now: () => number
}

/** The head of a request as it came; the guard finds out who sent it. */
export type RequestHead = Omit<RequestFacts, 'credential' | 'principal'> & {
  /** Bearer token; `''` for an `Authorization` header that holds none. */
  readonly token: string | null
}

export type RequestGuard = (head: RequestHead, port: number) => Decision<RequestFacts>

export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const rates = new TokenBuckets(STRANGER_RATE.perSecond, STRANGER_RATE.burst)
  const failures = new FailedAttempts(options.failedAuthLimit)
  const { allowedHosts, allowedOrigins, maxBodyBytes } = options
  return ({ token, ...head }, port) => {
    const principal = token === null || token === '' ? null : options.authenticate(token)
    const facts: RequestFacts = { ...head, principal, credential: token === null ? 'absent' : principal === null ? 'wrong' : 'right' }
    const context: RequestContext = { port, allowedHosts, allowedOrigins, maxBodyBytes, rates, failures, now: options.now() }
    return clearNow(requestCheckpoint, facts, context, options.report)
  }
}
