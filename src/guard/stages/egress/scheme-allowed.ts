import type { EgressRequest } from '../../../contracts/egress.ts'
import { PASS, type Stage } from '../../stage.ts'

/** https anywhere; plain http only to this machine, by literal address or `localhost`. */
export const schemeAllowed: Stage<EgressRequest, null> = {
  name: 'schemeAllowed',
  check({ url }) {
    if (url.protocol === 'https:') return PASS
    if (url.protocol === 'http:' && isLoopback(url.hostname)) return PASS
    return { verdict: 'block', code: 'net/refused', why: `${url.origin} needs https`, hint: 'Plain http is allowed to loopback addresses only' }
  },
}

/** `URL` has normalised every spelling of an IPv4 address before this. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}
