import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** Nobody forwarded this request but a proxy that the owner named, and it says plainly for whom: else every stranger behind it would look local. */
export const proxyTrusted: Stage<RequestFacts, RequestContext> = {
  name: 'proxyTrusted',
  check({ proxyFault }) {
    return proxyFault === null
      ? PASS
      : { verdict: 'block', code: 'request/proxied', why: proxyFault, hint: 'gateway.trustedProxies names the proxies to believe' }
  },
}
