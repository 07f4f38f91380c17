import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'
import { addressKey } from './rate-limits.ts'

/** The credential is one of ours, unless the route is public. Wrong ones and trials are counted here, before anything waits; a right one passes during a lock-out too. */
export const authenticated: Stage<RequestFacts, RequestContext> = {
  name: 'authenticated',
  check({ credential, principal, scope, address, isAttempt, isUpgrade }, { failures, now }) {
    const waitMs = credential === 'wrong' || isAttempt ? failures.count(addressKey(address), now) : 0
    if (waitMs > 0) return { verdict: 'block', code: 'auth/locked-out', why: 'wait, then send the right credential', retryAfterMs: waitMs }
    if (scope === 'public') return PASS
    if (credential !== 'right' || principal === null)
      return {
        verdict: 'block',
        code: 'auth/unauthorized',
        why: credential === 'absent' ? 'send it as `Authorization: Bearer TOKEN`' : 'it is no credential of this gateway',
      }
    if (principal.needsProof === true && !isUpgrade)
      return { verdict: 'block', code: 'auth/unauthorized', why: 'a device signs the challenge of a WebSocket: its token alone opens nothing' }
    return PASS
  },
}
