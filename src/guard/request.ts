/** The request checkpoint: decides on the head of every HTTP request and WebSocket upgrade, before a byte of body is read and before any answer. */
import type { Principal } from '../contracts/principal.ts'
import type { Access, FoundSession } from './identity/access.ts'
import { clearNow, type Decision } from './run-checkpoint.ts'
import { authenticated } from './stages/request/authenticated.ts'
import { bodyWithinLimit } from './stages/request/body-within-limit.ts'
import { csrfToken } from './stages/request/csrf-token.ts'
import type { CookieUse, ForwardedHead, RequestContext, RequestFacts } from './stages/request/facts.ts'
import { hostKnown } from './stages/request/host-known.ts'
import { originAllowed } from './stages/request/origin-allowed.ts'
import { proxyTrusted } from './stages/request/proxy-trusted.ts'
import { scopeGranted } from './stages/request/scope-granted.ts'
import { withinRate } from './stages/request/within-rate.ts'
import type { Checkpoint, Reporter } from './stage.ts'
import type { ReadForwarded } from './trusted-proxies.ts'

export type { ForwardedHead, RequestFacts } from './stages/request/facts.ts'

export const requestCheckpoint: Checkpoint<RequestFacts, RequestContext> = {
  name: 'request',
  stages: [hostKnown, originAllowed, proxyTrusted, withinRate, authenticated, csrfToken, scopeGranted, bodyWithinLimit],
}

export interface RequestGuardOptions {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly maxBodyBytes: number
  readonly access: Pick<Access, 'authenticate' | 'session' | 'failures' | 'strangers'>
  /** Null where no proxy is trusted. */
  readonly readForwarded: ReadForwarded | null
  readonly report: Reporter
  readonly now: () => number
}

/** The head of a request as it came; the guard finds out who sent it. */
export type RequestHead = Omit<RequestFacts, 'credential' | 'principal' | 'proxyFault' | 'isSecure' | 'cookie'> & {
  /** Bearer token; `''` for an `Authorization` header that holds none. */
  readonly token: string | null
  /** The secret of a session; `''` for a cookie that holds none, or several. Looked at where there is no bearer token. */
  readonly session: string | null
  readonly csrfToken: string | null
  /** What proxies added; null without such a header. */
  readonly forwarded: ForwardedHead | null
}

/** `tailnet` is who the tailnet says that it is, where somebody asked it: the last that is looked at. */
export type RequestGuard = (head: RequestHead, port: number, tailnet?: Principal | null) => Decision<RequestFacts>

export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const { allowedHosts, allowedOrigins, maxBodyBytes, access, readForwarded } = options
  const { failures, strangers: rates } = access
  return ({ token, session: cookie, csrfToken: given, forwarded, ...head }, port, tailnet = null) => {
    const through = forwarded === null ? null : (readForwarded?.(head.address, forwarded) ?? { fault: `${forwarded.name}: no trusted proxy is configured` })
    const client = through === null || 'fault' in through ? { address: head.address, host: null, isSecure: false } : through
    const host = client.host ?? head.host
    const session = token === null && cookie !== null && cookie !== '' ? access.session(cookie) : null
    const principal = token !== null ? (token === '' ? null : access.authenticate(token)) : cookie !== null ? (session?.principal ?? null) : tailnet
    const isAbsent = token === null && cookie === null && principal === null
    const facts: RequestFacts = {
      ...head,
      address: client.address,
      isSecure: client.isSecure,
      host,
      proxyFault: through !== null && 'fault' in through ? through.fault : null,
      principal,
      credential: isAbsent ? 'absent' : principal === null ? 'wrong' : 'right',
      cookie: session === null ? null : cookieUse(session, { origin: head.origin, host, isSecure: client.isSecure }, given),
    }
    const context: RequestContext = { port, allowedHosts, allowedOrigins, maxBodyBytes, rates, failures, now: options.now() }
    return clearNow(requestCheckpoint, facts, context, options.report)
  }
}

/** Browsers leave Origin out of simple reads: then the address that was asked stands for it. */
function cookieUse(
  { origin: own, isCsrfToken }: FoundSession,
  { origin, host, isSecure }: { readonly origin: string | null; readonly host: string | null; readonly isSecure: boolean },
  given: string | null,
): CookieUse {
  return {
    origin: origin === null ? (own === `${isSecure ? 'https' : 'http'}://${host}` ? 'implied' : 'foreign') : origin === own ? 'own' : 'foreign',
    hasToken: given !== null && isCsrfToken(given),
  }
}
