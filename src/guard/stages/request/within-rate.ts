import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'
import { addressKey } from './rate-limits.ts'

/** Strangers ask at most so often per address. Whoever holds a right credential is never slowed down by them. */
export const withinRate: Stage<RequestFacts, RequestContext> = {
  name: 'withinRate',
  check({ credential, address }, { rates, now }) {
    if (credential === 'right') return PASS
    const waitMs = rates.take(addressKey(address), now)
    return waitMs === 0 ? PASS : { verdict: 'block', code: 'request/rate-limited', why: 'slow down', retryAfterMs: waitMs }
  },
}
