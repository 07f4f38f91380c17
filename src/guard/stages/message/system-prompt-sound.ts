import type { ModelRequest } from '../../../contracts/provider.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { PromptContext } from './facts.ts'

/** The system prompt is exactly what we composed, and system messages of the context hold trusted text only: nobody else's words get its authority. */
export const systemPromptSound: Stage<ModelRequest, PromptContext> = {
  name: 'systemPromptSound',
  check(request, { systemPrompt }) {
    if (request.system !== systemPrompt) return { verdict: 'block', code: 'guard/blocked', why: 'the system prompt was changed on the way' }
    for (const message of request.messages) {
      if (message.role === 'system' && message.parts.some(({ origin }) => origin.trust === 'untrusted')) {
        return { verdict: 'block', code: 'guard/blocked', why: 'untrusted text stood in a system message' }
      }
    }
    return PASS
  },
}
