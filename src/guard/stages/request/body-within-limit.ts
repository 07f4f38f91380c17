import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

/** The declared body fits. What arrives is counted again while it is read. */
export const bodyWithinLimit: Stage<RequestFacts, RequestContext> = {
  name: 'bodyWithinLimit',
  check({ contentLength }, { maxBodyBytes }) {
    if (contentLength === null || contentLength <= maxBodyBytes) return PASS
    return { verdict: 'block', code: 'request/too-large', why: `at most ${maxBodyBytes} bytes` }
  },
}
