import type { ToolCall } from '../../../contracts/tool.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

export const toolKnown: Stage<ToolCall, ToolCallContext> = {
  name: 'toolKnown',
  check({ tool }, { tools }) {
    if (tools.has(tool)) return PASS
    return {
      verdict: 'block',
      code: 'guard/blocked',
      why: `there is no tool named ${JSON.stringify(tool.slice(0, 64))}`,
      hint: `Tools: ${[...tools.keys()].join(', ')}`,
    }
  },
}
