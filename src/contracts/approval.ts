/**
 * A question to the owner about one call that the guard held. It is bound to the exact arguments and what the tool bound them to (`hash`): who answers says which hash he saw, and a
 * call with another hash is another question. Durable: it outlives the process that asked, and its turn waits without holding memory.
 */
import type { JsonValue } from './json.ts'
import type { Effect } from './tool.ts'

/**
 * How far the owner's word reaches. `once`: this very call. `session`: this tool to these destinations and objects, in this conversation. `destination`: these destinations are the
 * owner's own from now on, in every conversation and for every tool: no call is held for them, while what else speaks against it (another destination, a deed that nobody asked for,
 * what it carries) still asks. `always`: calls of this shape (`Tool.shape`) never ask again.
 */
export type Unlock = 'once' | 'session' | 'destination' | 'always'

/** `cancelled`: the turn ended before an answer. */
export type ApprovalStatus = 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled'

/** One reason for which a call was held. */
export interface Hold {
  /** Name of the stage. */
  readonly rule: string
  /** In the owner's words: what would happen, and why it was not simply done. */
  readonly why: string
  /** Where the value came from. */
  readonly evidence: string
}

/** A hold of the guard, before it is a question. */
export interface HeldCall {
  readonly callId: string
  readonly tool: string
  readonly input: JsonValue
  readonly binding: JsonValue
  /** Hex SHA-256 over tool, input and binding in canonical JSON. */
  readonly hash: string
  readonly effectId: string
  readonly effect: Effect
  readonly destinations: readonly string[]
  /** What the tool says about the call (`Tool.describe`): one fact on each line. */
  readonly shown: readonly string[]
  readonly holds: readonly Hold[]
  /** What may be offered, the smallest first; `once` always is. */
  readonly unlocks: readonly Unlock[]
}

export interface Approval extends HeldCall {
  readonly id: string
  readonly turnId: string
  readonly sessionId: string | null
  readonly sessionKey: string | null
  /** Questions of one answer of the model share it: they are asked together. */
  readonly group: string
  readonly status: ApprovalStatus
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly decision: Decided | null
}

export interface Decided {
  readonly at: number
  /** `Principal.id` of who answered; `clock` for an expired one. */
  readonly by: string
  /** The door through which it came. */
  readonly door: string
  readonly unlock: Unlock | null
  /** Arguments as the owner changed them; null where he did not. The hash that was allowed is theirs. */
  readonly input: JsonValue
  /** The hash that was allowed: the one that was asked about, or that of the changed arguments. Null where the call was not allowed. */
  readonly hash: string | null
  /** A word of the owner to the model. */
  readonly note: string | null
}

/** What the owner answers. `hash` is the one he was shown: any other is refused with `approval/changed`. */
export interface Answer {
  readonly hash: string
  readonly decision: 'allow' | 'deny'
  readonly unlock?: Unlock
  readonly input?: JsonValue
  readonly note?: string
}

/** A standing word of the owner. */
export interface Grant {
  readonly id: string
  readonly unlock: Exclude<Unlock, 'once'>
  /** The tool that was asked about. A `destination` reaches beyond it. */
  readonly tool: string
  /** Only in this conversation; null everywhere. */
  readonly sessionId: string | null
  /** Destinations and targets, as written. */
  readonly values: readonly string[]
  /** Canonical JSON of the shape, for `always`. */
  readonly shape: string | null
  /** The approval that it came from; `proposal` where he made what shadow mode proposed. */
  readonly approvalId: string
  readonly createdAt: number
}

/** A call that passed only because of shadow mode. */
export interface ShadowCall {
  readonly id: string
  readonly turnId: string
  readonly tool: string
  readonly destinations: readonly string[]
  /** Canonical JSON of the shape; null where no `always` would be offered. */
  readonly shape: string | null
  /** The stages that would have held it. */
  readonly rules: readonly string[]
  readonly at: number
}

/** Why something was refused, kept so that `cara why` can tell. Newest 10,000. */
export interface RefusalRecord {
  readonly id: string
  readonly turnId: string | null
  readonly sessionKey: string | null
  readonly checkpoint: string
  readonly rule: string
  /** The tool of a call that exists; null elsewhere. */
  readonly tool: string | null
  readonly effectId: string | null
  readonly why: string
  readonly evidence: string | null
  /** How to unlock it. */
  readonly hint: string | null
  readonly at: number
}
