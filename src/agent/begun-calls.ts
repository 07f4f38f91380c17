/**
 * Calls that a worker began and whose end nobody saw. Where the outside can tell, it is asked; where it cannot, the owner is: a call that may have happened and must not happen twice
 * runs again by his word alone, one word for each time.
 */
import type { HeldCall } from '../contracts/approval.ts'
import type { ToolCallPart, ToolResultPart } from '../contracts/message.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { Held } from '../guard/stage.ts'
import { bindingOf, describeCall, heldCall } from './admit-call.ts'
import { CallReceipts } from './call-receipts.ts'
import { closeCall, type ToolRun } from './run-tool.ts'

export interface BegunCall {
  readonly call: ToolCallPart
  /** How often. */
  readonly times: number
}

export type Settled =
  /** It runs. */
  | { readonly kind: 'again' }
  /** It has ended. */
  | { readonly kind: 'closed'; readonly result: ToolResultPart }
  | { readonly kind: 'held'; readonly held: HeldCall }

export const EFFECT_UNKNOWN = 'effectUnknown'
const QUESTION: Held = {
  rule: EFFECT_UNKNOWN,
  why: 'This may have happened already: the program stopped while it ran. Allow it to run it again; deny it to take it as done',
  evidence: 'the journal holds that it began, and not how it ended',
  unlock: 'The owner can let it run again',
}
const HAPPENED = 'Done: this had happened before the program stopped, and was not done again.'
const TAKEN_AS_DONE = 'The program stopped while this ran. The owner was asked, and takes it as done: it was not run again.'
const UNKNOWN = 'Unknown: the program stopped while this ran. Ask the owner before doing it again.'

export async function settleBegun({ call: asked, times }: BegunCall, run: ToolRun, signal: AbortSignal): Promise<Settled> {
  const part = run.answers.asChanged(asked)
  const tool = run.guard.tools.get(part.tool)
  if (tool?.manifest.recovery === 'probe') {
    const found = await probe(tool, part, run, signal)
    if (found === 'not') return { kind: 'again' }
    if (found === 'happened') return closed(part, HAPPENED, run, 'ok')
  }
  const words = run.answers.about(part.callId).filter(({ holds }) => holds.some(({ rule }) => rule === EFFECT_UNKNOWN))
  if (words.length >= times) {
    const [latest] = words
    if (latest?.status === 'allowed') return { kind: 'again' }
    return latest?.status === 'denied' ? closed(part, TAKEN_AS_DONE, run, 'unknown', latest.decision.note) : closed(part, UNKNOWN, run)
  }
  const held = tool === undefined || run.mode !== 'ask' ? null : await question(part, tool, run, signal)
  return held === null ? closed(part, UNKNOWN, run) : { kind: 'held', held }
}

/** Ends a call about which nobody can be asked. */
export async function closeUnknown(call: ToolCallPart, run: ToolRun): Promise<ToolResultPart> {
  return (await closed(run.answers.asChanged(call), UNKNOWN, run)).result
}

async function probe(tool: AnyTool, part: ToolCallPart, run: ToolRun, signal: AbortSignal): Promise<'happened' | 'not' | 'unknown'> {
  const input = tool.input.safeParse(part.input)
  try {
    return input.success ? ((await tool.probe?.(input.data, describeCall(part, run), signal)) ?? 'unknown') : 'unknown'
  } catch (error) {
    run.log.warn('tool.unprobed', { tool: tool.name, error })
    return 'unknown'
  }
}

/** Null where the call cannot be shown as it would run. */
async function question(part: ToolCallPart, tool: AnyTool, run: ToolRun, signal: AbortSignal): Promise<HeldCall | null> {
  try {
    const binding = tool.bind === undefined ? null : await bindingOf(part, tool, run, signal)
    return { ...heldCall({ ...describeCall(part, run), binding }, tool, [QUESTION]), unlocks: ['once'] }
  } catch (error) {
    run.log.warn('tool.unasked', { tool: tool.name, error })
    return null
  }
}

async function closed(
  part: ToolCallPart,
  output: string,
  run: ToolRun,
  outcome: 'ok' | 'unknown' = 'unknown',
  note: string | null = null,
): Promise<Extract<Settled, { kind: 'closed' }>> {
  const { callId, tool: name } = part
  new CallReceipts(describeCall(part, run), run).found(outcome)
  const origin = { author: { kind: 'tool', name }, trust: 'trusted', private: false } as const
  const result = { type: 'tool-result', callId, tool: name, output, isError: output === UNKNOWN, origin, ...(note === null ? {} : { note }) } as const
  await closeCall(part, result, run, 0)
  return { kind: 'closed', result }
}
