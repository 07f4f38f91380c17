import type { ToolCall } from '../../../contracts/tool.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/** A tool that asks for every call is never run on the strength of what the guard can account for. */
export const consentPerCall: Stage<ToolCall, ToolCallContext> = {
  name: 'consentPerCall',
  check({ tool }, { tools }) {
    const manifest = tools.get(tool)?.manifest
    if (manifest === undefined) return { verdict: 'block', code: 'guard/blocked', why: 'nothing is known of this tool' }
    if (manifest.consent === 'judged') return PASS
    return {
      verdict: 'hold',
      why: `${tool} runs only with your word for this very call`,
      evidence: 'its calls are always asked about',
      unlock: 'The owner can allow it',
    }
  },
}
