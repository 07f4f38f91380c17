import * as z from 'zod'
import type { ToolCall } from '../../../contracts/tool.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

export const inputValid: Stage<ToolCall, ToolCallContext> = {
  name: 'inputValid',
  check({ tool, input }, { tools }) {
    const parsed = tools.get(tool)?.input.safeParse(input)
    if (parsed === undefined || parsed.success) return PASS
    return { verdict: 'block', code: 'tool/invalid-input', why: z.prettifyError(parsed.error).slice(0, 500) }
  },
}
