// expect-error: is not assignable to parameter of type 'Cleared<ToolCall>'
import type { AnyTool, ToolCall } from '../../../src/contracts/tool.ts'

/** A call that no tool checkpoint saw. */
export function run(tool: AnyTool, call: ToolCall, signal: AbortSignal): unknown {
  return tool.run(call.input, call, signal)
}
