/** Whether a call may run: what it stands for, what the owner has said about it, and the guard's verdict. Nothing takes effect here. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../std/canonical-json.ts'
import { withDeadline } from '../std/deadline.ts'
import { newId } from '../std/ids.ts'
import type { Grant, HeldCall, Hold } from '../contracts/approval.ts'
import type { Cleared } from '../contracts/cleared.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { ToolCallPart } from '../contracts/message.ts'
import type { AnyTool, ToolCall } from '../contracts/tool.ts'
import { callHash } from '../guard/approvals/call-hash.ts'
import { isOwnersOwn, unlocksFor } from '../guard/approvals/unlocks.ts'
import { toolCall } from '../guard/pipeline.ts'
import { answeredFor, destinationsOf, effectOf, reachesOut } from '../guard/provenance/judge-call.ts'
import { clear, refusalError, type Released } from '../guard/run-checkpoint.ts'
import type { Held, Refusal } from '../guard/stage.ts'
import { isOffered } from '../guard/stages/tool/policy-allows.ts'
import { CallReceipts } from './call-receipts.ts'
import type { ToolRun } from './run-tool.ts'

export type Admission =
  | { readonly kind: 'cleared'; readonly call: Cleared<ToolCall>; readonly tool: AnyTool; readonly released: Released | null }
  /** For the model: what was refused, and why. */
  | { readonly kind: 'refused'; readonly output: string }
  | { readonly kind: 'held'; readonly held: HeldCall }

const BIND_MS = 10_000
const MAX_DESTINATIONS = 32
const MAX_LINES = 200
const MAX_LINE = 4096

export async function admitCall(part: ToolCallPart, run: ToolRun, signal: AbortSignal): Promise<Admission> {
  if (part.invalidInput !== undefined) return { kind: 'refused', output: 'The arguments were not valid JSON. Send one JSON object.' }
  const tool = run.guard.tools.get(part.tool)
  let call = describeCall(part, run)
  let grants: readonly Grant[] = []
  try {
    if (tool?.bind !== undefined) call = { ...call, binding: await bindingOf(part, tool, run, signal) }
    if (tool !== undefined && mayBeAsked(tool)) grants = await run.grants()
  } catch (error) {
    const { code, message } = exposed(error)
    if (code === 'internal') run.log.error('tool.defect', { tool: part.tool, error })
    return refuse(call, { stage: 'bound', code, why: message }, run)
  }
  // As they are at this moment: one that was taken back does not count any more.
  run.guard.evidence.stand(grants.filter((grant) => isOwnersOwn(grant, call)).flatMap(({ values }) => values))
  const { mode } = run
  const decision = await clear(toolCall, call, { ...run.guard, word: { mode, grants, answerTo: (asked) => run.answers.answerTo(asked) } }, run.report, signal)
  if (decision.ok && tool !== undefined) return { kind: 'cleared', call: decision.value, tool, released: decision.released }
  if (decision.ok) return refuse(call, { stage: 'toolKnown', code: 'guard/blocked', why: 'there is no such tool' }, run)
  if (decision.held.length === 0 || tool === undefined || mode === 'deny') return refuse(call, decision.refusal, run, decision.held)
  try {
    return { kind: 'held', held: heldCall(call, tool, decision.held) }
  } catch (error) {
    // What cannot be shown cannot be asked.
    run.log.error('tool.defect', { tool: call.tool, error })
    return refuse(call, decision.refusal, run, decision.held)
  }
}

export async function refuse(call: ToolCall, refusal: Refusal, run: ToolRun, held: readonly Hold[] = []): Promise<Extract<Admission, { kind: 'refused' }>> {
  new CallReceipts(call, run).refused(refusal.stage, refusal.code)
  return { kind: 'refused', output: await explain(call, toolCall.name, refusal, run, held) }
}

/** What the model is told. Why is kept, so that the owner can ask by the id. */
export async function explain(call: ToolCall, checkpoint: string, refusal: Refusal, run: ToolRun, held: readonly Hold[] = []): Promise<string> {
  const id = newId('ref', run.clock.now())
  const [first] = held
  const { turnId, sessionId, effectId } = call
  const known = run.guard.tools.has(call.tool) ? call.tool : null
  const { message, hint } = refusalError(refusal)
  const kept = await run.refusals
    .keep({
      id,
      turnId,
      sessionId,
      checkpoint,
      rule: refusal.stage,
      tool: known,
      effectId,
      why: first?.why ?? message,
      evidence: first?.evidence ?? null,
      hint: hint ?? null,
      at: run.clock.now(),
    })
    .then(() => ` (cara why ${id})`)
    .catch((error: unknown) => {
      run.log.error('refusal.unkept', { turn: turnId, error })
      return ''
    })
  return `Refused: ${message}.${hint === undefined ? '' : ` ${hint}.`}${kept}`
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

/** What no policy lets run, or does not fit, is not looked at either: the guard says so. */
export async function bindingOf(part: ToolCallPart, tool: AnyTool, run: ToolRun, signal: AbortSignal): Promise<JsonValue> {
  const { policy, list } = run.guard.policy
  const parsed = tool.input.safeParse(part.input)
  return isOffered(part.tool, policy, list) && parsed.success ? bindCall(tool, parsed.data, Math.min(BIND_MS, run.timeoutMs), signal) : null
}

/** Settles within the time. */
export async function bindCall(tool: AnyTool, input: unknown, timeoutMs: number, outer: AbortSignal): Promise<JsonValue> {
  return withDeadline(Math.max(1, timeoutMs), outer, async (signal, expired) => {
    const { promise, reject } = Promise.withResolvers<never>()
    const leave = () => reject(new AppError(expired() ? 'tool/timeout' : 'turn/cancelled'))
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    return Promise.race([tool.bind?.(input, signal) ?? null, promise])
  })
}

/** Only these can be held, so only for these the owner's standing words are read. */
function mayBeAsked({ manifest }: AnyTool): boolean {
  return manifest.consent === 'every-call' || reachesOut(manifest.effect) || reachesOut(manifest.effectWithoutDestination)
}

export function heldCall(call: ToolCall, tool: AnyTool, holds: readonly Held[]): HeldCall {
  const { callId, input, binding, effectId } = call
  return {
    callId,
    tool: call.tool,
    input,
    binding,
    hash: callHash(call),
    effectId,
    effect: effectOf(call, tool.manifest),
    destinations: destinationsOf(call, tool.manifest).slice(0, MAX_DESTINATIONS),
    shown: shownLines(tool.describe?.(tool.input.parse(input), binding) ?? []),
    holds: holds.map(({ rule, why, evidence }) => ({ rule, why, evidence })),
    unlocks: unlocksFor(call, tool, holds),
  }
}

/** Bounded; what is left out is counted. */
function shownLines(lines: readonly string[]): readonly string[] {
  const kept = lines.slice(0, MAX_LINES).map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… [${line.length - MAX_LINE} more]` : line))
  return lines.length > MAX_LINES ? [...kept, `… ${lines.length - MAX_LINES} more lines`] : kept
}

/** The owner's words about these calls are his words from now on, in this turn. */
export function wordsOf(
  part: Pick<ToolCallPart, 'callId' | 'tool' | 'input'>,
  tool: AnyTool,
  run: Pick<ToolRun, 'turnId' | 'sessionId' | 'taint'>,
): readonly string[] {
  return answeredFor(describeCall({ type: 'tool-call', ...part }, run), tool.manifest)
}
