import type { ModelRequest } from '../../../contracts/provider.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { PromptContext } from './facts.ts'

/** The request fits the model's window, by estimate: the vendor's error would come after it was paid for. */
export const withinWindow: Stage<ModelRequest, PromptContext> = {
  name: 'withinWindow',
  check(_request, { windowTokens, estimatedTokens }) {
    if (estimatedTokens <= windowTokens) return PASS
    return {
      verdict: 'block',
      code: 'provider/context-too-long',
      why: `about ${estimatedTokens} tokens, the window holds ${windowTokens}`,
      hint: 'Send less, start a new session, or choose a model with a larger window',
    }
  },
}
