/** Sessions of browsers: in by the password, out, and what the page of one may know. */
import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { RequestFacts } from '../../guard/request.ts'
import { addressKey } from '../../guard/stages/request/rate-limits.ts'
import { endedCookie, sessionCookie } from '../cookies.ts'
import { readJson } from '../read-body.ts'
import { sendJson } from '../respond.ts'
import type { RouteCall } from '../route.ts'

const MAX_BODY = 8192
const body = z.strictObject({ password: z.string().min(1).max(1024) })

/** The guard has counted this trial; the right password takes it back. */
export async function login({ request, response, facts, deps }: RouteCall): Promise<void> {
  const origin = ownOrigin(facts)
  const given = body.safeParse(await readJson(request, { maxBytes: MAX_BODY, timeoutMs: deps.config.requestTimeoutMs }))
  if (!given.success) throw new AppError('request/invalid', 'the body must be {"password": "…"}')
  const opened = await deps.credentials.openSession(given.data.password, origin)
  if (opened === null) throw new AppError('auth/unauthorized', 'it is not the password')
  deps.access.failures.forgive(addressKey(facts.address))
  const { secret, csrfToken, expiresAt, principal } = opened
  const cookie = sessionCookie(secret, origin.startsWith('https:'), expiresAt - deps.now())
  sendJson(response, 200, { csrfToken, scopes: principal.scopes, expiresAt }, { 'set-cookie': cookie })
}

export function logout({ response, facts, deps }: RouteCall): void {
  const ended = facts.principal !== null && deps.credentials.endSession(facts.principal)
  sendJson(response, 200, { ended }, { 'set-cookie': endedCookie(facts.isSecure) })
}

/** Who asks. The page of a session gets its CSRF token back after a reload; no other page can read this. */
export function describeCaller({ response, facts: { principal }, deps }: RouteCall): void {
  const session = principal === null ? null : (deps.access.sessions?.describe(principal) ?? null)
  sendJson(response, 200, { id: principal?.id, scopes: principal?.scopes, ...session })
}

/** The page that asks, where it is our own: other pages never get our cookie sent. */
function ownOrigin({ origin, host, isSecure }: RequestFacts): string {
  const own = [`http://${host}`, `https://${host}`]
  const found = origin === null ? own[Number(isSecure)] : own.find((each) => each === origin)
  // A page under TLS whose proxy says that it was not, or the other way round: somebody is wrong, and it is about a password.
  if (found === undefined || (isSecure && !found.startsWith('https:')))
    throw new AppError('request/origin-refused', 'log in from the page of the gateway itself')
  return found
}
