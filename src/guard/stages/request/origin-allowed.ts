import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** A request that a browser sent comes from our own pages or from a configured origin. `null`, other ports and look-alikes are strangers. */
export const originAllowed: Stage<RequestFacts, RequestContext> = {
  name: 'originAllowed',
  check({ origin, host, fetchSite }, { allowedOrigins }) {
    // hostKnown has accepted the host, so an origin that equals it exactly is ours.
    const ours = origin !== null && host !== null && (origin === `http://${host}` || origin === `https://${host}`)
    if (ours || (origin !== null && allowedOrigins.includes(origin))) return PASS
    if (origin !== null) return { verdict: 'block', code: 'request/origin-refused', why: 'add it to gateway.allowedOrigins if it is yours' }
    // Browsers leave Origin out of simple GETs, but not this.
    if (fetchSite === null || fetchSite === 'none' || fetchSite === 'same-origin') return PASS
    return { verdict: 'block', code: 'request/origin-refused', why: 'cross-site requests are refused' }
  },
}
