/** One tool call: guard, journal the intent, run, guard the result, journal the outcome. Nothing else in the program runs a tool. */
import { withDeadline } from '../std/deadline.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { ApprovalStore, RefusalStore } from '../contracts/approval-store.ts'
import type { Grant, HeldCall } from '../contracts/approval.ts'
import type { Cleared } from '../contracts/cleared.ts'
import type { Clock } from '../contracts/clock.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import type { ToolCallPart, ToolResultPart } from '../contracts/message.ts'
import type { JournalStep, Taint } from '../contracts/store.ts'
import type { AnyTool, ToolCall } from '../contracts/tool.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { alwaysShape } from '../guard/approvals/unlocks.ts'
import type { OwnersWord } from '../guard/approvals/owners-word.ts'
import { toolResult, toolResultWithClassifier } from '../guard/pipeline.ts'
import { destinationsOf } from '../guard/provenance/judge-call.ts'
import { clear, clearNow, type Released } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'
import type { Classifier } from '../guard/stages/message/classified.ts'
import type { InjectionMode } from '../guard/stages/message/facts.ts'
import type { ToolCallContext } from '../guard/stages/tool/facts.ts'
import { declaredOrigin } from '../guard/stages/tool/origin-marked.ts'
import { newId } from '../std/ids.ts'
import { admitCall, explain, refuse, type Admission } from './admit-call.ts'
import { CallReceipts, type Executed } from './call-receipts.ts'
import type { TurnAnswers } from './turn-answers.ts'

export interface ToolRun {
  readonly turnId: string
  readonly fence: number
  readonly sessionId: string | null
  /** The door that the message came through, and who sent it. */
  readonly door: string
  readonly by: string
  /** What the conversation has seen when the model asked. */
  readonly taint: Taint
  readonly guard: Omit<ToolCallContext, 'word'>
  readonly mode: OwnersWord['mode']
  /** Standing words of the owner, as they are now. */
  readonly grants: () => Promise<readonly Grant[]>
  readonly answers: TurnAnswers
  readonly refusals: RefusalStore
  readonly approvals: Pick<ApprovalStore, 'keepShadow'>
  readonly secrets: SecretRegistry
  readonly injection: InjectionMode
  readonly classifier: Classifier | null
  readonly report: Reporter
  readonly audit: AuditTrail
  readonly journal: (steps: readonly JournalStep[]) => Promise<void>
  readonly emit: (event: TurnEvent) => void
  readonly clock: Clock
  readonly log: Log
  readonly timeoutMs: number
}

/** A call that is held leaves no trace but what comes back: it has not begun. */
export async function runTool(asked: ToolCallPart, run: ToolRun, signal: AbortSignal): Promise<ToolResultPart | HeldCall> {
  const startedAt = run.clock.now()
  const part = run.answers.asChanged(asked)
  const admission = await admitCall(part, run, signal)
  if (admission.kind === 'held') return admission.held
  const { callId, tool, input } = part
  run.emit({ type: 'tool-started', callId, tool, input })
  const result = admission.kind === 'refused' ? refusedResult(part, admission.output) : await carryOut(asked, part, admission, run, signal)
  await closeCall(part, result, run, run.clock.now() - startedAt)
  return result
}

/** Ends a call that nobody may be asked about. */
export async function refuseHeld(part: ToolCallPart, held: HeldCall, call: ToolCall, run: ToolRun): Promise<ToolResultPart> {
  const { callId, tool, input } = part
  const refusal = { stage: 'ownerApproved', code: 'approval/too-many', why: tool, hint: 'Ask the owner to answer what waits: cara approvals' } as const
  run.emit({ type: 'tool-started', callId, tool, input })
  const { output } = await refuse(call, refusal, run, held.holds)
  const result = refusedResult(part, output)
  await closeCall(part, result, run, 0)
  return result
}

export async function closeCall({ callId, tool, input }: ToolCallPart, result: ToolResultPart, run: ToolRun, ms: number): Promise<void> {
  await run.journal([{ kind: 'tool-result', message: { role: 'tool', parts: [result] }, ms }])
  run.emit({ type: 'tool-finished', outcome: { callId, tool, input, output: result.output, isError: result.isError, ms } })
}

function refusedResult({ callId, tool: name }: ToolCallPart, output: string): ToolResultPart {
  return { type: 'tool-result', callId, tool: name, output, isError: true, origin: { author: { kind: 'tool', name }, trust: 'trusted', private: false } }
}

async function carryOut(
  asked: ToolCallPart,
  part: ToolCallPart,
  { call, tool, released }: Extract<Admission, { kind: 'cleared' }>,
  run: ToolRun,
  signal: AbortSignal,
): Promise<ToolResultPart> {
  const { callId, tool: name } = part
  const receipts = new CallReceipts(call, run)
  if (released?.by === 'shadow') await keepShadow(call, tool, released, run)
  // What cannot be accounted for does not happen.
  const unkept = await receipts.intended(tool, released?.by ?? null)
  if (unkept !== null) return refusedResult(part, `Refused: ${unkept.message}.`)
  // A pure call leaves nothing behind: after a crash it simply runs again, so its intent need not be kept.
  if (tool.manifest.recovery !== 'pure') await run.journal([{ kind: 'tool-intent', callId, tool: name, effectId: call.effectId }])
  const startedAt = run.clock.now()
  const executed = await execute(tool, call, run, signal)
  receipts.completed(executed, run.clock.now() - startedAt)
  const facts = { tool, secrets: run.secrets, injection: run.injection }
  const { classifier } = run
  const outcome =
    classifier === null
      ? clearNow(toolResult, executed.result, facts, run.report)
      : await clear(toolResultWithClassifier, executed.result, { ...facts, classifier }, run.report, signal)
  if (!outcome.ok || outcome.value.origin === null) {
    const refusal = outcome.ok ? ({ stage: 'originMarked', code: 'guard/blocked', why: 'the result has no origin' } as const) : outcome.refusal
    return refusedResult(part, await explain(call, toolResult.name, refusal, run))
  }
  const { output, isError, origin, suspicion } = outcome.value
  const note = released === null ? null : run.answers.noteOf(released.by)
  return {
    type: 'tool-result',
    callId,
    tool: name,
    output,
    isError,
    origin,
    ...(suspicion === undefined ? {} : { suspicion }),
    ...(part === asked ? {} : { ranWith: part.input }),
    ...(note === null ? {} : { note }),
  }
}

/** Before the effect: what shadow mode lets pass is known. */
async function keepShadow(call: ToolCall, tool: AnyTool, released: Released, run: ToolRun): Promise<void> {
  const { holds } = released
  await run.approvals.keepShadow({
    id: newId('shd', run.clock.now()),
    turnId: call.turnId,
    tool: call.tool,
    destinations: destinationsOf(call, tool.manifest),
    shape: alwaysShape(call, tool),
    rules: holds.map(({ rule }) => rule),
    at: run.clock.now(),
  })
}

/** Settles soon after the signal or the time-out, also when the tool does not. */
async function execute(tool: AnyTool, call: Cleared<ToolCall>, run: ToolRun, outer: AbortSignal): Promise<Executed> {
  return withDeadline(Math.max(1, run.timeoutMs), outer, async (signal, expired) => {
    try {
      const result = await Promise.race([tool.run(tool.input.parse(call.input), call, signal), rejectOnAbort(signal)])
      const isError = result.isError ?? false
      return { result: { output: result.output, isError, origin: result.origin ?? declaredOrigin(tool) }, outcome: isError ? 'failed' : 'ok' }
    } catch (error) {
      const shown = expired() ? new AppError('tool/timeout') : signal.aborted ? new AppError('turn/cancelled') : exposed(error)
      if (shown.code === 'internal') run.log.error('tool.defect', { tool: tool.name, error })
      const output = shown.hint === undefined ? shown.message : `${shown.message}. ${shown.hint}`
      return { result: { output, isError: true, origin: declaredOrigin(tool) }, outcome: expired() ? 'timeout' : signal.aborted ? 'cancelled' : 'failed' }
    }
  })
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(new AppError('turn/cancelled'))
  else signal.addEventListener('abort', () => reject(new AppError('turn/cancelled')), { once: true })
  return promise
}
