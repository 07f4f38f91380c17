/** The way out that leaves hold: the egress checkpoint, then the transport, which takes nothing else. Redirects are followed here, so that each hop is checked like the first. */
import { openDeadline } from '../std/deadline.ts'
import type { EgressFetch, EgressRequest, EgressResponse, Resolve, Transport } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import type { NamedSecrets } from '../contracts/named-secret.ts'
import { egress } from './pipeline.ts'
import { clear, refusalError } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'
import { type EgressContext, reachesPublicHosts } from './stages/egress/facts.ts'

const MAX_REDIRECTS = 5
const PUBLIC_TOTAL_MS = 60_000
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface PublicReach {
  /** Without it no public host is reached. */
  readonly resolve: Resolve
  readonly isPublic?: EgressContext['isPublic']
  /** What headers may name. */
  readonly secrets?: NamedSecrets
}

/** One request that passed, and what came back. */
interface Exchange {
  readonly request: EgressRequest
  readonly response: EgressResponse
}
type Send = (request: EgressRequest, firstOrigin: string, signal: AbortSignal) => Promise<Exchange>

export function createGuardedFetch(transport: Transport, report: Reporter, reach: PublicReach = { resolve: resolveNothing }): EgressFetch {
  const { resolve, isPublic = isPublicAddress, secrets } = reach
  const send: Send = async (request, firstOrigin, signal) => {
    const decision = await clear(egress, request, { resolve, isPublic, firstOrigin, secrets }, report, signal)
    signal.throwIfAborted()
    if (!decision.ok) throw refusalError(decision.refusal)
    return { request: decision.value, response: await transport(decision.value, signal) }
  }
  return async (request, signal) => {
    const { totalTimeoutMs = reachesPublicHosts(request.policy) ? PUBLIC_TOTAL_MS : Infinity } = request
    if (totalTimeoutMs === Infinity) return followRedirects(send, request, signal)
    return withinTime(totalTimeoutMs, request.url.origin, signal, (limited) => followRedirects(send, request, limited))
  }
}

async function followRedirects(send: Send, first: EgressRequest, signal: AbortSignal): Promise<EgressResponse> {
  const firstOrigin = first.url.origin
  const most = Math.min(first.maxRedirects ?? 0, MAX_REDIRECTS)
  let exchange = await send(first, firstOrigin, signal)
  if (most === 0) return exchange.response
  for (let count = 0; ; count++) {
    const next = redirected(exchange)
    if (next === null) return { ...exchange.response, url: exchange.request.url }
    await exchange.response.body[Symbol.asyncIterator]().return?.()
    if (count === most) throw new AppError('net/refused', `${firstOrigin} redirects more than ${most} times`)
    exchange = await send(next, firstOrigin, signal)
  }
}

/** The request that a redirect asks for, with what was left of the headers and without what was put in; null for any other answer. */
function redirected({ request: sent, response: { status, headers } }: Exchange): EgressRequest | null {
  const { credentials: _, ...request } = sent
  const { location } = headers
  if (!REDIRECTS.has(status) || location === undefined) return null
  if (!URL.canParse(location, request.url)) throw new AppError('net/refused', `${request.url.origin} redirects to what is no address`)
  const url = new URL(location, request.url)
  url.hash = ''
  const becomesGet = status === 303 || (status < 303 && request.method === 'POST')
  if (!becomesGet) return { ...request, url }
  const { body: __, ...rest } = request
  const kept = Object.fromEntries(Object.entries(rest.headers).filter(([name]) => !/^content-/i.test(name)))
  return { ...rest, url, method: 'GET', headers: kept }
}

/** Also ends a body that comes too slowly, or that nobody reads. */
async function withinTime(ms: number, origin: string, outer: AbortSignal, run: (signal: AbortSignal) => Promise<EgressResponse>): Promise<EgressResponse> {
  const deadline = openDeadline(ms, outer, () => new AppError('net/timeout', origin))
  try {
    const response = await run(deadline.signal)
    return { ...response, body: untilEnd(response.body, deadline.close) }
  } catch (error) {
    deadline.close()
    throw error
  }
}

function untilEnd(body: AsyncIterable<Uint8Array>, close: () => void): AsyncIterable<Uint8Array> {
  const iterate = (): AsyncIterator<Uint8Array, undefined> => {
    const inner = body[Symbol.asyncIterator]()
    return {
      async next() {
        try {
          const step = await inner.next()
          if (step.done !== true) return step
          close()
          return { done: true, value: undefined }
        } catch (error) {
          close()
          throw error
        }
      },
      async return() {
        close()
        await inner.return?.()
        return { done: true, value: undefined }
      },
    }
  }
  return { [Symbol.asyncIterator]: iterate }
}

export async function isPublicAddress(address: string): Promise<boolean> {
  const table = await import('./public-address.ts')
  return table.isPublicAddress(address)
}

function resolveNothing(): Promise<readonly string[]> {
  return Promise.reject(new AppError('net/unreachable'))
}
