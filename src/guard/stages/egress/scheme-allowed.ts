import type { EgressRequest } from '../../../contracts/egress.ts'
import { isLoopbackHost } from '../../../std/base-url.ts'
import { PASS, type Stage } from '../../stage.ts'
import { reachesPublicHosts } from './facts.ts'

/** https anywhere; plain http only to this machine, by literal address or `localhost`, and only where the owner named it. */
export const schemeAllowed: Stage<EgressRequest, unknown> = {
  name: 'schemeAllowed',
  check({ url, policy }) {
    if (url.protocol === 'https:') return PASS
    if (url.protocol === 'http:' && !reachesPublicHosts(policy) && isLoopbackHost(url.hostname)) return PASS
    const hint = reachesPublicHosts(policy) ? 'Only https addresses can be fetched' : 'Plain http is allowed to loopback addresses only'
    return { verdict: 'block', code: 'net/refused', why: `${url.protocol === 'http:' ? url.origin : url.protocol} needs https`, hint }
  },
}
