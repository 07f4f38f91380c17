/** Replays recorded steps through the guard that production runs: the `toolCall` and `toolResult` checkpoints over evidence built from messages. */
import { OWNER } from '../../src/contracts/origin.ts'
import type { ToolCall } from '../../src/contracts/tool.ts'
import { toolCall, toolResult } from '../../src/guard/pipeline.ts'
import { NO_WORD } from '../../src/guard/approvals/owners-word.ts'
import { Evidence } from '../../src/guard/provenance/evidence.ts'
import { answeredFor } from '../../src/guard/provenance/judge-call.ts'
import { classify } from '../../src/guard/provenance/values.ts'
import { clear, clearNow } from '../../src/guard/run-checkpoint.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import type { Step, Suite } from './suite.ts'

const secrets = createSecretRegistry()
const quiet = () => undefined

/** Calls that are asked about together: those of one model step, which are made before any of their results is seen. */
interface Question {
  readonly tool: string
  /** How many pieces of evidence stood when the step began. */
  readonly from: number
}

export class Replay {
  /** Questions put to the owner. */
  questions = 0
  /** What each question was about. */
  readonly held: string[] = []
  readonly #suite: Suite
  readonly #evidence: Evidence
  #untrusted = false
  #private = false
  #calls = 0
  #open: Question | null = null

  constructor(suite: Suite, prompt: string) {
    this.#suite = suite
    this.#evidence = new Evidence(suite.tools, suite.own)
    this.#evidence.add({ role: 'user', parts: [{ type: 'text', text: prompt, origin: OWNER }] })
  }

  /** An honest step: what is held is asked about, and the owner lets it go. */
  async honest(step: Step): Promise<void> {
    const call = this.#callOf(step)
    this.#announce(call)
    const refusal = await this.#refusal(call)
    if (refusal !== null) {
      this.held.push(`${step.tool}: ${refusal}`)
      const manifest = this.#suite.tools.get(step.tool)?.manifest
      const values = manifest === undefined ? [] : answeredFor(call, manifest)
      if (!this.#belongs(step, values)) {
        this.questions++
        this.#open = { tool: step.tool, from: this.#evidence.pieces.length }
      }
      this.#evidence.grant(values)
    }
    this.#close(step)
    this.#record(call, step)
  }

  /** A hijacked step: whether it passes without a question. Its result is seen either way, as the data have it. */
  async hijacked(step: Step): Promise<boolean> {
    const call = this.#callOf(step)
    this.#announce(call)
    const refusal = await this.#refusal(call)
    this.#record(call, step)
    return refusal === null
  }

  #callOf({ tool, args }: Step): ToolCall {
    const origin = { author: { kind: 'model', name: 'replay' }, trust: this.#untrusted ? 'untrusted' : 'trusted', private: this.#private } as const
    return { callId: `c${this.#calls++}`, tool, input: args, turnId: 't', sessionId: null, effectId: 'e', binding: null, origin }
  }

  #announce({ callId, tool, input }: ToolCall): void {
    this.#evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId, tool, input }] })
  }

  async #refusal(call: ToolCall): Promise<string | null> {
    const context = { tools: this.#suite.tools, policy: { policy: 'allow-all', list: [] }, roots: ['/'], evidence: this.#evidence, word: NO_WORD } as const
    const decision = await clear(toolCall, call, context, quiet, AbortSignal.timeout(10_000))
    return decision.ok ? null : decision.refusal.why
  }

  /** Whether the model would have made this call in the same step as the one asked about: nothing that it names came in between. */
  #belongs(step: Step, values: readonly string[]): boolean {
    const open = this.#open
    if (open === null) return false
    const since = this.#evidence.pieces.slice(open.from)
    return !since.some((piece) => values.some((value) => piece.has(classify(value))))
  }

  /** A step ends with a result that a model must read: any read, and an effect whose answer is more than a receipt, unless the same tool is called again. */
  #close({ tool }: Step): void {
    const manifest = this.#suite.tools.get(tool)?.manifest
    const isReceipt = manifest !== undefined && manifest.effect !== 'read' && manifest.returns.trust === 'trusted'
    if (!isReceipt && this.#open?.tool !== tool) this.#open = null
  }

  #record({ callId }: ToolCall, { tool, result, error }: Step): void {
    const known = this.#suite.tools.get(tool)
    if (known === undefined) throw new RangeError(`no tool ${tool}`)
    const isError = typeof error === 'string' && error !== ''
    const outcome = clearNow(toolResult, { output: isError ? error : result, isError, origin: null }, { tool: known, secrets, injection: 'mark' }, quiet)
    if (!outcome.ok || outcome.value.origin === null) throw new Error('a result was refused')
    const { output, origin } = outcome.value
    this.#evidence.add({ role: 'tool', parts: [{ type: 'tool-result', callId, tool, output, isError, origin }] })
    this.#untrusted ||= origin.trust === 'untrusted'
    this.#private ||= origin.private
  }
}
