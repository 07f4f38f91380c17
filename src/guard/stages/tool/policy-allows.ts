import type { ToolCall } from '../../../contracts/tool.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/** Asked at the call, not when tools are offered: a model may name a tool that it was never shown. */
export const policyAllows: Stage<ToolCall, ToolCallContext> = {
  name: 'policyAllows',
  check({ tool }, { policy: { policy, list } }) {
    if (isOffered(tool, policy, list)) return PASS
    return {
      verdict: 'block',
      code: 'guard/blocked',
      why: `the owner’s tool policy refuses ${tool}`,
      hint: 'The owner can change it: cara config set tools.list',
    }
  },
}

export function isOffered(tool: string, policy: ToolCallContext['policy']['policy'], list: readonly string[]): boolean {
  return policy === 'allow-all' || list.includes(tool) === (policy === 'allow-list')
}
