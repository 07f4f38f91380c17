/** What a stage is: a named property of a value that holds after it. */
import type { Hold } from '../contracts/approval.ts'
import type { ErrorCode } from '../contracts/errors.ts'

export type Verdict<T> =
  | { readonly verdict: 'pass' }
  /** Goes on with another value. */
  | {
      readonly verdict: 'rewrite'
      readonly value: T
      readonly why: string
      /** Nothing was wrong: it is what the stage is for, and needs no line in the log. */
      readonly isRoutine?: boolean
    }
  /** Only the owner can let it go on. */
  | { readonly verdict: 'hold'; readonly why: string; readonly evidence: string; readonly unlock: string }
  /** Holds of these rules have the owner's word; `by` names it. */
  | { readonly verdict: 'release'; readonly rules: readonly string[]; readonly by: string; readonly why: string }
  | { readonly verdict: 'block'; readonly code: ErrorCode; readonly why: string; readonly hint?: string; readonly retryAfterMs?: number }

export const PASS = { verdict: 'pass' } as const

/** A stage answers at once: nothing on the way of a message waits for a check. */
export interface Stage<T, Context> {
  /** The property that holds after it, for example `pathsInsideRoots`. */
  readonly name: string
  check(value: T, context: Context): Verdict<T>
}

/** What was held so far, and how the owner can let it go. */
export interface Held extends Hold {
  readonly unlock: string
}

/** A stage that must wait (a resolver, a second model), or that must know what the stages before it held. */
export interface AsyncStage<T, Context> {
  readonly name: string
  check(value: T, context: Context, signal: AbortSignal, holds: readonly Held[]): Verdict<T> | Promise<Verdict<T>>
}

export interface Checkpoint<T, Context, S extends AsyncStage<T, Context> = Stage<T, Context>> {
  readonly name: string
  readonly stages: readonly S[]
}

/** One line per decision that is not a plain pass, and one per checkpoint for the metrics. */
export interface CheckpointReport {
  readonly checkpoint: string
  /** The stage that decided, or null when all passed. */
  readonly stage: string | null
  readonly verdict: 'pass' | 'rewrite' | 'hold' | 'release' | 'block' | 'fault'
  readonly why: string | null
  readonly ms: number
  /** Where it is about a tool call. */
  readonly turn?: string
}
export type Reporter = (report: CheckpointReport) => void

/** Why a checkpoint let nothing through. */
export interface Refusal {
  readonly stage: string
  readonly code: ErrorCode
  readonly why: string
  readonly hint?: string
  readonly retryAfterMs?: number
}
