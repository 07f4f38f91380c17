import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** The token is ours, unless the route is public. Wrong ones are counted here, before anything waits; the right one passes during a lock-out too. */
export const authenticated: Stage<RequestFacts, RequestContext> = {
  name: 'authenticated',
  check({ credential, principal, scope, address }, { failures, now }) {
    if (credential === 'right' && principal !== null) return PASS
    const waitMs = credential === 'wrong' ? failures.count(address, now) : 0
    if (waitMs > 0) return { verdict: 'block', code: 'auth/locked-out', why: 'wait, then send the right token', retryAfterMs: waitMs }
    if (scope === 'public') return PASS
    return {
      verdict: 'block',
      code: 'auth/unauthorized',
      why: credential === 'absent' ? 'send it as `Authorization: Bearer TOKEN`' : 'it is not the token of this gateway',
    }
  },
}
