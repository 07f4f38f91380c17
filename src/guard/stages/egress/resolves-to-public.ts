import type { EgressRequest } from '../../../contracts/egress.ts'
import { AppError } from '../../../contracts/errors.ts'
import { type AsyncStage, PASS, type Verdict } from '../../stage.ts'
import { type EgressContext, literalAddress, reachesPublicHosts } from './facts.ts'

/**
 * Every address of a public host is a public one, and the connection goes to one of these: what the name means a moment later no longer matters. Hosts that the owner
 * named may be anywhere; they are not looked up here.
 */
export const resolvesToPublic: AsyncStage<EgressRequest, EgressContext> = {
  name: 'resolvesToPublic',
  check(request, context, signal) {
    if (reachesPublicHosts(request.policy)) return pin(request, context, signal)
    if (request.pinned === undefined) return PASS
    return { verdict: 'block', code: 'net/refused', why: `${request.url.origin} is not reached by an address of the caller's choice` }
  },
}

/** A name with more addresses than this is not one that anybody needs. */
const MAX_ADDRESSES = 64

async function pin(request: EgressRequest, { resolve, isPublic }: EgressContext, signal: AbortSignal): Promise<Verdict<EgressRequest>> {
  const { url } = request
  const literal = literalAddress(url.hostname)
  try {
    const addresses = literal === null ? await resolve(url.hostname, signal) : [literal]
    if (addresses.length === 0) return { verdict: 'block', code: 'net/unreachable', why: `${url.origin} has no address` }
    const areAllPublic = addresses.length <= MAX_ADDRESSES && (await Promise.all(addresses.map(isPublic))).every((answer) => answer)
    // Which address it was would tell what the names of a local network mean.
    if (!areAllPublic) return { verdict: 'block', code: 'net/refused', why: `${url.origin} is not on the public internet` }
    return { verdict: 'rewrite', value: { ...request, pinned: addresses }, why: `pinned to ${addresses.length} checked` }
  } catch (error) {
    if (error instanceof AppError) return { verdict: 'block', code: error.code, why: url.origin }
    throw error
  }
}
