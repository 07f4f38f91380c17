/** What the calls of a turn came to, out of its journal. */
import type { JournalStep } from './store.ts'
import type { ToolOutcome } from './turn.ts'

/** Calls of one answer in the model's order, whatever the order of their results. Call ids are unique within an answer only. */
export function outcomesOf(steps: readonly JournalStep[]): readonly ToolOutcome[] {
  const outcomes: ToolOutcome[] = []
  for (const [index, step] of steps.entries()) {
    if (step.kind !== 'assistant') continue
    const next = steps.findIndex((later, at) => at > index && later.kind === 'assistant')
    const results = steps.slice(index + 1, next === -1 ? undefined : next).filter((later) => later.kind === 'tool-result')
    for (const part of step.message.parts) {
      if (part.type !== 'tool-call') continue
      const { callId, tool } = part
      for (const { message, ms } of results) {
        const result = message.parts.find((one) => one.type === 'tool-result' && one.callId === callId)
        if (result?.type === 'tool-result')
          outcomes.push({ callId, tool, input: result.ranWith ?? part.input, output: result.output, isError: result.isError, ms })
      }
    }
  }
  return outcomes
}
