/** What an earlier process left of a turn: what was said and spent, and the calls that it did not see the end of. */
import type { Message, ToolCallPart } from '../contracts/message.ts'
import type { JournalStep } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { Usage } from '../contracts/usage.ts'
import type { BegunCall } from './begun-calls.ts'

export interface RecoveredSteps {
  readonly texts: readonly string[]
  readonly spent: readonly { readonly model: string; readonly usage: Usage }[]
  /** How often the model has answered, and every call that it made. */
  readonly answers: number
  readonly calls: readonly ToolCallPart[]
  /** Calls that run again: they never began (those that the owner was asked about are among them), or doing them twice is the same as once. */
  readonly again: readonly ToolCallPart[]
  /** Calls that may have happened and must not happen twice. */
  readonly begun: readonly BegunCall[]
}

export function readSteps(steps: readonly JournalStep[], tools: ReadonlyMap<string, AnyTool>): RecoveredSteps {
  const answers = steps.filter((step) => step.kind === 'assistant')
  // Only the last answer can have open calls: the next is not asked for before all are closed.
  const last = steps.findLastIndex((step) => step.kind === 'assistant')
  const begun = new Map<string, number>()
  const answered = new Set<string>()
  for (const step of steps.slice(last + 1)) {
    if (step.kind === 'tool-intent') begun.set(step.callId, (begun.get(step.callId) ?? 0) + 1)
    else for (const part of step.message.parts) if (part.type === 'tool-result') answered.add(part.callId)
  }
  const open = callsOf(answers.at(-1)?.message).filter(({ callId }) => !answered.has(callId))
  const isBegun = ({ callId, tool }: ToolCallPart) => {
    const recovery = tools.get(tool)?.manifest.recovery
    return begun.has(callId) && (recovery === 'unsafe' || recovery === 'probe')
  }
  return {
    texts: answers.flatMap(({ message }) => message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))),
    spent: answers,
    answers: answers.length,
    calls: answers.flatMap(({ message }) => callsOf(message)),
    again: open.filter((call) => !isBegun(call)),
    begun: open.filter(isBegun).map((call) => ({ call, times: begun.get(call.callId) ?? 0 })),
  }
}

function callsOf(message: Message | undefined): readonly ToolCallPart[] {
  return message?.role === 'assistant' ? message.parts.filter((part) => part.type === 'tool-call') : []
}
