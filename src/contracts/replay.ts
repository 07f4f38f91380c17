/** A past turn, run again from its journal: what would be different now. */

export interface CallVerdict {
  /** `ran`: nobody was asked. `refused`: it did not run. */
  readonly kind: 'ran' | 'asked' | 'refused'
  /** The rules that held or refused it, where they are known. */
  readonly rules: readonly string[]
}

export interface ReplayedCall {
  readonly callId: string
  readonly tool: string
  readonly before: CallVerdict
  /** Null: it was not made again. */
  readonly now: CallVerdict | null
}

/** `request`: what a model would be asked, by its hash, part by part. `end`: how the turn ends. */
export interface Difference {
  readonly kind: 'call' | 'request' | 'reply' | 'end'
  readonly what: string
  readonly before: string
  readonly now: string
}

export interface Replay {
  readonly turnId: string
  readonly calls: readonly ReplayedCall[]
  /** Requests to a model, and how many of them had left a hash. */
  readonly requests: number
  readonly compared: number
  readonly differences: readonly Difference[]
  /** What the journal does not hold, so that it was not compared. */
  readonly notes: readonly string[]
}

/** Hashes of the parts of a request. */
export interface RequestDigest {
  readonly system: string
  readonly tools: string
  readonly messages: string
  readonly options: string
}
