/**
 * Runs the stages of a checkpoint in order and mints `Cleared<T>`: the only place that does. A stage that throws blocks. Every decision is reported by the
 * runner, never by the stage. A `hold` lets the other stages go on, so that one question can tell all reasons; without a release it ends as a refusal.
 */
import type { Cleared } from '../contracts/cleared.ts'
import { AppError } from '../contracts/errors.ts'
import type { AsyncStage, Checkpoint, Held, Refusal, Reporter, Stage, Verdict } from './stage.ts'

const cleared = new WeakSet<object>()

export type Decision<T> =
  /** `released`: the owner's word without which it would not have passed. */
  | { readonly ok: true; readonly value: Cleared<T>; readonly released: Released | null }
  /** `held`: where it is not empty, nothing but the owner's word is missing. */
  | { readonly ok: false; readonly refusal: Refusal; readonly held: readonly Held[] }

export interface Released {
  readonly by: string
  readonly holds: readonly Held[]
}

/** Whether the guard itself cleared this very object. Sinks that can hurt ask it at run time too. */
export function isCleared(value: object): boolean {
  return cleared.has(value)
}

function mint<T extends object>(value: T): asserts value is Cleared<T> {
  cleared.add(value)
}

/** For checkpoints whose stages all answer at once. Nobody can be asked here: what is held is refused. */
export function clearNow<T extends object, Context>(checkpoint: Checkpoint<T, Context>, value: T, context: Context, report: Reporter): Decision<T> {
  const run = new Run<T>(checkpoint.name, value, report)
  if (checkpoint.stages.length === 0) run.fault(undefined, new TypeError('the checkpoint has no stages'))
  for (const stage of checkpoint.stages) {
    try {
      run.take(stage, stage.check(run.value, context))
    } catch (error) {
      run.fault(stage, error)
    }
    if (run.isOver || run.holds.length > 0) break
  }
  return run.decide()
}

/** For checkpoints with a stage that waits, or that knows the owner's word. */
export async function clear<T extends object, Context>(
  checkpoint: Checkpoint<T, Context, AsyncStage<T, Context>>,
  value: T,
  context: Context,
  report: Reporter,
  signal: AbortSignal,
): Promise<Decision<T>> {
  const run = new Run<T>(checkpoint.name, value, report)
  if (checkpoint.stages.length === 0) run.fault(undefined, new TypeError('the checkpoint has no stages'))
  for (const stage of checkpoint.stages) {
    try {
      const verdict = stage.check(run.value, context, signal, run.holds)
      run.take(stage, verdict instanceof Promise ? await verdict : verdict)
    } catch (error) {
      run.fault(stage, error)
    }
    if (run.isOver) break
  }
  return run.decide()
}

/** The refusal as the error that its caller throws. */
export function refusalError(refusal: Refusal): AppError {
  return new AppError(refusal.code, refusal.why, {
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
  })
}

class Run<T extends object> {
  value: T
  holds: readonly Held[] = []
  #refusal: Refusal | null = null
  #released: Released | null = null
  readonly #checkpoint: string
  readonly #report: Reporter
  readonly #startedAt = performance.now()

  constructor(checkpoint: string, value: T, report: Reporter) {
    this.#checkpoint = checkpoint
    this.value = value
    this.#report = report
  }

  /** Nothing that comes could change it. */
  get isOver(): boolean {
    return this.#refusal !== null
  }

  take(stage: Pick<Stage<T, never>, 'name'>, verdict: Verdict<T>): void {
    switch (verdict.verdict) {
      case 'pass':
        return
      case 'rewrite':
        this.value = verdict.value
        return verdict.isRoutine === true ? undefined : this.#tell(stage.name, 'rewrite', verdict.why)
      case 'hold':
        this.holds = [...this.holds, { rule: stage.name, why: verdict.why, evidence: verdict.evidence, unlock: verdict.unlock }]
        return this.#tell(stage.name, 'hold', verdict.why)
      case 'release': {
        const { rules, by } = verdict
        this.#released = { by, holds: this.holds.filter(({ rule }) => rules.includes(rule)) }
        this.holds = this.holds.filter(({ rule }) => !rules.includes(rule))
        return this.#tell(stage.name, 'release', verdict.why)
      }
      case 'block':
        this.#refusal = { stage: stage.name, code: verdict.code, why: verdict.why, ...optional(verdict) }
        return this.#tell(stage.name, 'block', verdict.why)
      default:
        // A verdict that is none (a stage from outside the type checker) is a fault, and faults block. A promise where nobody waits must not end the process when it is rejected.
        Promise.resolve(verdict).catch(() => undefined)
        throw new TypeError('a stage answered without a verdict')
    }
  }

  /** `undefined`: a stage that is not there, which is no pass. */
  fault(stage: Pick<Stage<T, never>, 'name'> | undefined, error: unknown): void {
    const name = stage?.name ?? 'missing'
    this.#refusal = { stage: name, code: 'guard/blocked', why: `the check ${name} failed` }
    this.#tell(name, 'fault', error instanceof Error ? error.message : 'unknown fault')
  }

  decide(): Decision<T> {
    if (this.#refusal !== null) return { ok: false, refusal: this.#refusal, held: [] }
    const [first] = this.holds
    if (first !== undefined) {
      const refusal = { stage: first.rule, code: 'guard/blocked', why: `${first.why} (${first.evidence})`, hint: first.unlock } as const
      return { ok: false, refusal, held: this.holds }
    }
    this.#tell(null, 'pass', null)
    const { value } = this
    if (typeof value !== 'object') throw new AppError('guard/blocked', 'a check left nothing')
    mint(value)
    return { ok: true, value, released: this.#released }
  }

  #tell(stage: string | null, verdict: 'pass' | 'rewrite' | 'hold' | 'release' | 'block' | 'fault', why: string | null): void {
    this.#report({ checkpoint: this.#checkpoint, stage, verdict, why, ms: performance.now() - this.#startedAt })
  }
}

function optional(verdict: { readonly hint?: string; readonly retryAfterMs?: number }): { hint?: string; retryAfterMs?: number } {
  return {
    ...(verdict.hint === undefined ? {} : { hint: verdict.hint }),
    ...(verdict.retryAfterMs === undefined ? {} : { retryAfterMs: verdict.retryAfterMs }),
  }
}
