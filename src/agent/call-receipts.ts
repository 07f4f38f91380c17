/** The receipts of one call: what is meant to happen before it does, what became of it after. Values are kept as keyed hashes, destinations as hosts. */
import { canonicalJson } from '../std/canonical-json.ts'
import type { Approval } from '../contracts/approval.ts'
import { AppError, type ErrorCode } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { AnyTool, ToolCall } from '../contracts/tool.ts'
import { toolCall } from '../guard/pipeline.ts'
import { valuesAt } from '../guard/stages/tool/values-at.ts'
import type { TracedResult } from '../guard/stages/tool/facts.ts'
import type { ToolRun } from './run-tool.ts'

export interface Executed {
  readonly result: TracedResult
  readonly outcome: 'ok' | 'failed' | 'timeout' | 'cancelled'
}

const MAX_DESTINATIONS = 16
const LAST_STAGE = toolCall.stages.at(-1)?.name ?? ''

type Run = Pick<ToolRun, 'audit' | 'guard' | 'log' | 'door' | 'by'>

export class CallReceipts {
  readonly #call: ToolCall
  readonly #run: Run

  constructor(call: ToolCall, run: Run) {
    this.#call = call
    this.#run = run
  }

  refused(rule: string, code: ErrorCode): void {
    this.#run.audit.note({ kind: 'effect-refused', ...this.#facts(), rule, code, input: this.#input() })
  }

  /** On the disk when it resolves, unless the tool only reads. The error: it could not be kept. */
  async intended(tool: AnyTool, approval: string | null): Promise<AppError | null> {
    const { manifest } = tool
    const { audit, guard } = this.#run
    const receipt = {
      kind: 'effect-intended',
      ...this.#facts(),
      effect: manifest.effect,
      destinations: this.#destinations(tool),
      input: this.#input(),
      rule: LAST_STAGE,
      policy: guard.policy.policy,
      approval,
    } as const
    if (manifest.effect === 'read') {
      audit.note(receipt)
      return null
    }
    try {
      await audit.keep(receipt)
      return null
    } catch (error) {
      this.#run.log.error('audit.effect-refused', { tool: this.#call.tool, error })
      this.refused('receiptKept', 'audit/unwritable')
      return error instanceof AppError ? error : new AppError('audit/unwritable')
    }
  }

  /** The owner is asked. */
  asked({ id, hash, holds }: Approval): void {
    this.#run.audit.note({ kind: 'approval-asked', ...this.#facts(), approval: id, call: hash, rules: holds.map(({ rule }) => rule) })
  }

  completed({ result, outcome }: Executed, ms: number): void {
    const { audit } = this.#run
    const bytes = Buffer.byteLength(result.output)
    audit.note({ kind: 'effect-completed', ...this.#facts(), outcome, ms, bytes, output: audit.mac(result.output) })
  }

  /** An earlier worker intended it. Nobody saw what it answered, and `unknown`: nor whether it happened. */
  found(outcome: 'ok' | 'unknown'): void {
    this.#run.audit.note({ kind: 'effect-completed', ...this.#facts(), outcome, ms: 0, bytes: 0, output: null })
  }

  #facts() {
    const { turnId, sessionId, tool, effectId } = this.#call
    const { door, by, guard } = this.#run
    // A name that is none of ours is the model's text.
    return { turn: turnId, session: sessionId, door, by, tool: guard.tools.has(tool) ? tool : null, effectId }
  }

  #input(): string {
    return this.#run.audit.mac(canonicalJson(this.#call.input))
  }

  #destinations(tool: AnyTool): readonly string[] {
    const named = tool.where?.(tool.input.parse(this.#call.input))
    if (named !== undefined) return named.slice(0, MAX_DESTINATIONS)
    const values = tool.manifest.destinations.flatMap((path) => valuesAt(this.#call.input, path.split('.')))
    return values.slice(0, MAX_DESTINATIONS).map((value) => hostOf(value) ?? `mac:${this.#run.audit.mac(canonicalJson(value))}`)
  }
}

function hostOf(value: JsonValue): string | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null
  const { hostname } = new URL(value)
  return hostname === '' ? null : hostname
}
