import { covers } from '../../../contracts/principal.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** The credential holds what the route needs. */
export const scopeGranted: Stage<RequestFacts, RequestContext> = {
  name: 'scopeGranted',
  check({ principal, scope }) {
    return covers(principal?.scopes ?? [], scope) ? PASS : { verdict: 'block', code: 'auth/forbidden', why: scope }
  },
}
