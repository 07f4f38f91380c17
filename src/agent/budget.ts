/** What one turn may cost: steps, output tokens, time, tool time, money, and patience with a model that repeats itself. */
import { canonicalJson } from '../std/canonical-json.ts'
import type { Clock } from '../contracts/clock.ts'
import type { ToolCallPart } from '../contracts/message.ts'
import type { BudgetKind } from '../contracts/turn.ts'
import { addUsage, NO_USAGE, type Usage } from '../contracts/usage.ts'
import type { CoreConfig, Price } from '../config/schema.ts'

type Limits = CoreConfig['agent']['budgets']

/** The same call with the same arguments, for the third time, is a loop. */
const IDENTICAL_CALLS = 3

export class Budget {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #calls = new Map<string, number>()
  #steps = 0
  #callCount = 0
  #toolMs = 0
  #usage: Usage = NO_USAGE
  /** Null as soon as one call had no known price. */
  #costUsd: number | null = 0

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  get usage(): Usage {
    return this.#usage
  }

  get costUsd(): number | null {
    return this.#costUsd
  }

  get remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#limits.maxTurnMs - this.#clock.now())
  }

  get remainingToolMs(): number {
    return Math.max(0, Math.min(this.remainingMs, this.#limits.maxToolMs - this.#toolMs))
  }

  get remainingOutputTokens(): number {
    return Math.max(1, this.#limits.maxOutputTokens - this.#usage.outputTokens)
  }

  spendModel(usage: Usage, price: Price | null): void {
    this.#steps++
    this.spendQuestion(usage, price)
  }

  /** A question of a tool is no step of the turn. */
  spendQuestion(usage: Usage, price: Price | null): void {
    this.#usage = addUsage(this.#usage, usage)
    const cost = price === null ? null : costOf(usage, price)
    this.#costUsd = this.#costUsd === null || cost === null ? null : this.#costUsd + cost
  }

  spendTools(ms: number): void {
    this.#toolMs += ms
  }

  /** Counts the calls of one answer. */
  noteCalls(calls: readonly ToolCallPart[]): void {
    this.#callCount += calls.length
    for (const { tool, input } of calls) {
      const key = `${tool} ${canonicalJson(input)}`
      this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1)
    }
  }

  /** The budget that is used up, before another step. */
  exceeded(): BudgetKind | null {
    if (this.remainingMs === 0) return 'wall-clock'
    if (this.#limits.maxCostUsd !== undefined && this.#costUsd !== null && this.#costUsd >= this.#limits.maxCostUsd) return 'money'
    if (this.#usage.outputTokens >= this.#limits.maxOutputTokens) return 'output-tokens'
    if (this.#steps >= this.#limits.maxSteps) return 'steps'
    if (this.#toolMs >= this.#limits.maxToolMs) return 'tool-time'
    return this.refusesCalls()
  }

  /** Why the calls that were noted do not run. */
  refusesCalls(): BudgetKind | null {
    if (this.#callCount > this.#limits.maxCalls) return 'calls'
    return this.#isLooping() ? 'repeated-call' : null
  }

  #isLooping(): boolean {
    return this.#calls.values().some((count) => count >= IDENTICAL_CALLS)
  }
}

/** US dollars. Cached input is priced apart where the price says so. */
export function costOf(usage: Usage, price: Price): number {
  const { inputPerMTok, outputPerMTok, cacheReadPerMTok = inputPerMTok, cacheWritePerMTok = inputPerMTok } = price
  const fresh = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens)
  const total =
    fresh * inputPerMTok + usage.cacheReadTokens * cacheReadPerMTok + usage.cacheWriteTokens * cacheWritePerMTok + usage.outputTokens * outputPerMTok
  return total / 1_000_000
}

const NOTICES: Readonly<Record<BudgetKind, string>> = {
  steps: 'it reached the number of model calls allowed in one turn (agent.budgets.maxSteps)',
  'output-tokens': 'it reached the output tokens allowed in one turn (agent.budgets.maxOutputTokens)',
  'wall-clock': 'it reached the time allowed for one turn (agent.budgets.maxTurnMs)',
  'tool-time': 'its tools reached the time allowed for one turn (agent.budgets.maxToolMs)',
  money: 'it reached the cost allowed for one turn (agent.budgets.maxCostUsd)',
  calls: 'the model wanted more tool calls than one turn may make (agent.budgets.maxCalls)',
  'repeated-call': 'the model made the same call three times',
}

export function budgetNotice(kind: BudgetKind): string {
  return `[Stopped: ${NOTICES[kind]}.]`
}
