/** Carries out the calls of one answer: reads side by side, everything else one after the other, in the model's order. */
import type { HeldCall } from '../contracts/approval.ts'
import type { ToolCallPart, ToolResultPart } from '../contracts/message.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { ToolOutcome, TurnEvent } from '../contracts/turn.ts'
import { runTool, type ToolRun } from './run-tool.ts'

export interface Acting {
  readonly tools: ReadonlyMap<string, AnyTool>
  /** The run of the next call: what the conversation has seen changes from call to call. */
  readonly nextRun: (emit: (event: TurnEvent) => void) => ToolRun
  readonly emit: (event: TurnEvent) => void
  readonly onResult: (result: ToolResultPart) => void
}

export interface Acted {
  /** In the model's order, which is not the order in which they end. */
  readonly outcomes: readonly ToolOutcome[]
  /** Calls that wait for the owner's word. */
  readonly held: readonly HeldCall[]
}

export async function act(calls: readonly ToolCallPart[], acting: Acting, signal: AbortSignal): Promise<Acted> {
  const outcomes: ToolOutcome[] = []
  const held: HeldCall[] = []
  const take = (acted: Acted) => {
    outcomes.push(...acted.outcomes)
    held.push(...acted.held)
  }
  let reads: ToolCallPart[] = []
  const flush = async () => {
    const batch = reads
    reads = []
    for (const acted of await Promise.all(batch.map((call) => actOnce(call, acting, signal)))) take(acted)
  }
  for (const call of calls) {
    if (acting.tools.get(call.tool)?.manifest.effect === 'read') reads.push(call)
    else {
      await flush()
      take(await actOnce(call, acting, signal))
    }
  }
  await flush()
  return { outcomes, held }
}

async function actOnce(call: ToolCallPart, { nextRun, emit, onResult }: Acting, signal: AbortSignal): Promise<Acted> {
  const outcomes: ToolOutcome[] = []
  const run = nextRun((event) => {
    if (event.type === 'tool-finished') outcomes.push(event.outcome)
    emit(event)
  })
  const end = await runTool(call, run, signal)
  if ('hash' in end) return { outcomes: [], held: [end] }
  onResult(end)
  return { outcomes, held: [] }
}
