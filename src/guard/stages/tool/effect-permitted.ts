import type { ToolCall } from '../../../contracts/tool.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/** What reaches outside, or cannot be undone, needs the owner's word; what only touches the owner's own data does not. */
export const effectPermitted: Stage<ToolCall, ToolCallContext> = {
  name: 'effectPermitted',
  check({ tool }, { tools }) {
    const effect = tools.get(tool)?.manifest.effect
    if (effect === 'read' || effect === 'write') return PASS
    return { verdict: 'hold', why: `${tool} acts outside`, evidence: `its effect is ${effect ?? 'unknown'}`, unlock: 'The owner must approve it' }
  },
}
