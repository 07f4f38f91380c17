/** One tool call: guard, journal the intent, run, guard the result, journal the outcome. Nothing else in the program runs a tool. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../std/canonical-json.ts'
import { withDeadline } from '../std/deadline.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Cleared } from '../contracts/cleared.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import type { ToolCallPart, ToolResultPart } from '../contracts/message.ts'
import type { JournalStep, Taint } from '../contracts/store.ts'
import type { AnyTool, ToolCall } from '../contracts/tool.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { toolCall, toolResult } from '../guard/pipeline.ts'
import { clear, clearNow, refusalError } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'
import type { InjectionMode } from '../guard/stages/message/facts.ts'
import type { ToolCallContext } from '../guard/stages/tool/facts.ts'
import { CallReceipts, type Executed } from './call-receipts.ts'
import { declaredOrigin } from '../guard/stages/tool/origin-marked.ts'

export interface ToolRun {
  readonly turnId: string
  readonly sessionId: string | null
  /** The door that the message came through, and who sent it. */
  readonly door: string
  readonly by: string
  /** What the conversation has seen when the model asked. */
  readonly taint: Taint
  readonly guard: ToolCallContext
  readonly secrets: SecretRegistry
  readonly injection: InjectionMode
  readonly report: Reporter
  readonly audit: AuditTrail
  readonly journal: (steps: readonly JournalStep[]) => Promise<void>
  readonly emit: (event: TurnEvent) => void
  readonly clock: Clock
  readonly log: Log
  readonly timeoutMs: number
}

export async function runTool(part: ToolCallPart, run: ToolRun, signal: AbortSignal): Promise<ToolResultPart> {
  const { callId, tool, input } = part
  run.emit({ type: 'tool-started', callId, tool, input })
  const startedAt = run.clock.now()
  const result = await guardedRun(part, run, signal)
  const ms = run.clock.now() - startedAt
  await run.journal([{ kind: 'tool-result', message: { role: 'tool', parts: [result] }, ms }])
  run.emit({ type: 'tool-finished', outcome: { callId, tool, input, output: result.output, isError: result.isError, ms } })
  return result
}

async function guardedRun(part: ToolCallPart, run: ToolRun, signal: AbortSignal): Promise<ToolResultPart> {
  const { callId, tool: name } = part
  const refused = (output: string): ToolResultPart => {
    return { type: 'tool-result', callId, tool: name, output, isError: true, origin: { author: { kind: 'tool', name }, trust: 'trusted', private: false } }
  }
  if (part.invalidInput !== undefined) return refused('The arguments were not valid JSON. Send one JSON object.')
  const call = describeCall(part, run)
  const receipts = new CallReceipts(call, run)
  const decision = await clear(toolCall, call, run.guard, run.report, signal)
  if (!decision.ok) {
    receipts.refused(decision.refusal.stage, decision.refusal.code)
    const { message, hint } = refusalError(decision.refusal)
    return refused(`Refused: ${message}.${hint === undefined ? '' : ` ${hint}.`}`)
  }
  const tool = run.guard.tools.get(name)
  if (tool === undefined) return refused('Refused: there is no such tool.')
  // What cannot be accounted for does not happen.
  const unkept = await receipts.intended(tool)
  if (unkept !== null) return refused(`Refused: ${unkept.message}.`)
  // A pure call leaves nothing behind: after a crash it simply runs again, so its intent need not be kept.
  if (tool.manifest.recovery !== 'pure') await run.journal([{ kind: 'tool-intent', callId, tool: name, effectId: decision.value.effectId }])
  const startedAt = run.clock.now()
  const executed = await execute(tool, decision.value, run, signal)
  receipts.completed(executed, run.clock.now() - startedAt)
  const outcome = clearNow(toolResult, executed.result, { tool, secrets: run.secrets, injection: run.injection }, run.report)
  if (!outcome.ok || outcome.value.origin === null) return refused('The result was refused.')
  const { output, isError, origin, suspicion } = outcome.value
  return { type: 'tool-result', callId, tool: name, output, isError, origin, ...(suspicion === undefined ? {} : { suspicion }) }
}

export function describeCall(part: ToolCallPart, run: Pick<ToolRun, 'turnId' | 'sessionId' | 'taint'>): ToolCall {
  const { turnId, sessionId, taint } = run
  const effectId = createHash('sha256')
    .update(`${turnId}\n${part.tool}\n${canonicalJson(part.input)}`)
    .digest('base64url')
    .slice(0, 22)
  const origin = { author: { kind: 'model', name: 'agent' }, trust: taint.untrusted ? 'untrusted' : 'trusted', private: taint.private } as const
  return { callId: part.callId, tool: part.tool, input: part.input, turnId, sessionId, effectId, binding: null, origin }
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
