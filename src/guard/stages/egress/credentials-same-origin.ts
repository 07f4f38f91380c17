import type { EgressRequest } from '../../../contracts/egress.ts'
import { holdsPlaceholder } from '../../../contracts/named-secret.ts'
import { PASS, type AsyncStage } from '../../stage.ts'
import { type EgressContext, reachesPublicHosts } from './facts.ts'

/** Everything else may be a credential, whatever it is called. */
const HARMLESS = new Set(['accept', 'accept-language', 'content-type', 'user-agent', 'range', 'if-modified-since'])

/**
 * Headers that may carry a credential reach the origin that they were meant for and no other; a host that anybody may name is meant for none. A placeholder is no credential
 * yet: whether its secret is for this host is decided next.
 */
export const credentialsSameOrigin: AsyncStage<EgressRequest, EgressContext> = {
  name: 'credentialsSameOrigin',
  check(request, { firstOrigin }) {
    const { url, headers, policy } = request
    const isHarmless = (name: string) => HARMLESS.has(name.toLowerCase())
    const isElsewhere = url.origin !== firstOrigin
    if (!isElsewhere && !reachesPublicHosts(policy)) return PASS
    if (isElsewhere && request.body !== undefined) {
      return { verdict: 'block', code: 'net/refused', why: `${firstOrigin} redirects what it was sent to ${url.origin}` }
    }
    if (Object.entries(headers).every(([name, value]) => isHarmless(name) || (!isElsewhere && holdsPlaceholder(value)))) return PASS
    if (!isElsewhere) return { verdict: 'block', code: 'net/refused', why: `${url.origin} is not a host for credentials` }
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => isHarmless(name)))
    return { verdict: 'rewrite', value: { ...request, headers: kept }, why: `headers meant for ${firstOrigin} were dropped` }
  },
}
