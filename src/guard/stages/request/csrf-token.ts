import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/**
 * A browser sends the cookie of a session whoever asks it to: so the page that the session belongs to must ask, and for a change show what only that page can read. Other
 * credentials are never sent by themselves.
 */
export const csrfToken: Stage<RequestFacts, RequestContext> = {
  name: 'csrfToken',
  check({ cookie, scope, method, isUpgrade }) {
    // A public route does the same for everybody.
    if (cookie === null || scope === 'public') return PASS
    if (cookie.origin === 'foreign' || (isUpgrade && cookie.origin !== 'own')) return { verdict: 'block', code: 'auth/csrf', why: 'it comes from another page' }
    if (isUpgrade || method === 'GET' || method === 'HEAD') return PASS
    if (cookie.origin === 'own' && cookie.hasToken) return PASS
    return { verdict: 'block', code: 'auth/csrf', why: 'send `x-csrf-token` and `Origin`' }
  },
}
