import type { EgressRequest } from '../../../contracts/egress.ts'
import { PASS, type Stage } from '../../stage.ts'

/** A caller reaches exactly the origins that it was set up for, and never with a credential in the URL. */
export const hostAllowed: Stage<EgressRequest, null> = {
  name: 'hostAllowed',
  check({ url, policy }) {
    if (url.username !== '' || url.password !== '') return { verdict: 'block', code: 'net/refused', why: `credentials stand in the URL of ${url.host}` }
    if (policy.origins.includes(url.origin)) return PASS
    return { verdict: 'block', code: 'net/refused', why: `${url.origin} is not what this connection is for` }
  },
}
