/** What is kept of questions, answers, standing words and refusals. */
import type { Approval, ApprovalStatus, Decided, Grant, RefusalRecord, ShadowCall } from './approval.ts'
import type { HeldTurn } from './turn-lease.ts'

export interface ApprovalStore {
  /**
   * All of them in one commit, after which the turn waits and nobody holds it. False, and none is kept, where more than `maxPending` would wait then. Forgets what was decided 90 days
   * before. Throws `turn/lost`.
   */
  ask(turn: Pick<HeldTurn, 'turnId' | 'fence'>, approvals: readonly Approval[], maxPending: number): Promise<boolean>
  get(id: string): Promise<Approval | null>
  /** Oldest first. `total` counts all that match. */
  list(query: { readonly status: ApprovalStatus; readonly sessionKey?: string; readonly limit: number }): Promise<ApprovalList>
  /** Oldest first. */
  ofTurn(turnId: string): Promise<readonly Approval[]>
  ofEffect(effectId: string): Promise<readonly Approval[]>
  /** Questions of the turn that wait. */
  pending(turnId: string): Promise<number>
  /** Waiting ones that expire until then, the earliest first, at most 1,000. */
  due(now: number): Promise<readonly Approval[]>
  /** When the next one expires; null when none waits. */
  nextExpiry(): Promise<number | null>
  /**
   * Questions that wait and of which it is not known that the owner's destinations were told, by the notice that tells of them, at most 1,000. Those that are in no notice are in `fresh` from then on:
   * in the same one again after a crash, and on whichever node.
   */
  untold(fresh: string): Promise<readonly Notice[]>
  /** The notice is on its way. */
  told(notice: string, now: number): Promise<void>
  /** All or none. Throws `store/conflict` when one does not wait any more. */
  decide(decisions: readonly Decision[], grants: readonly Grant[]): Promise<void>
  /** Questions of turns that have ended wait for nothing: they are cancelled. */
  cancelOrphans(now: number): Promise<void>
  /** All, or those in force in a conversation (null: outside any); newest first, at most 1,000. */
  grants(scope?: { readonly sessionId: string | null }): Promise<readonly Grant[]>
  /** Null when there is none. */
  revoke(id: string): Promise<Grant | null>
  /** Newest 10,000. */
  keepShadow(call: ShadowCall): Promise<void>
  shadow(): Promise<readonly ShadowCall[]>
}

export interface Decision {
  readonly id: string
  readonly status: Exclude<ApprovalStatus, 'pending'>
  readonly decided: Decided
}

export interface Notice {
  readonly id: string
  readonly approvals: readonly Approval[]
}

export interface ApprovalList {
  readonly approvals: readonly Approval[]
  readonly total: number
}

export interface RefusalStore {
  /** Newest 10,000. */
  keep(refusal: Omit<RefusalRecord, 'sessionKey'> & { readonly sessionId: string | null }): Promise<void>
  /** By its own id, its turn or its effect; newest first. */
  about(id: string, limit: number): Promise<readonly RefusalRecord[]>
  newest(limit: number): Promise<readonly RefusalRecord[]>
}
