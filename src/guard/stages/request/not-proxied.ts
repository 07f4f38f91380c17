import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** Nobody forwarded this request: behind a proxy every stranger would look local. */
export const notProxied: Stage<RequestFacts, RequestContext> = {
  name: 'notProxied',
  check({ proxyHeader }) {
    return proxyHeader === null ? PASS : { verdict: 'block', code: 'request/proxied', why: proxyHeader }
  },
}
