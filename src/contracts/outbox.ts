/** What is kept of messages on their way out: a row for each part of a message, in the order in which they were accepted. */
import type { MessagePurpose } from './audit.ts'

/** `waiting` includes the one that is on its way. `dead`: it will not be tried again by itself. */
export const outboxStatuses = ['waiting', 'sent', 'dead', 'dropped'] as const
export type OutboxStatus = (typeof outboxStatuses)[number]

interface MessageFacts {
  readonly id: string
  readonly key: string
  readonly to: string
  readonly purpose: MessagePurpose
  readonly turnId: string | null
  readonly createdAt: number
  readonly expiresAt: number
}

export interface NewMessage extends MessageFacts {
  /** Its parts leave in order, and after everything that was accepted for the same lane before. */
  readonly lane: string
  readonly sessionId: string | null
  readonly parts: readonly string[]
}

/** The first part of a lane that has not left. */
export interface QueuedPart extends MessageFacts {
  readonly lane: string
  readonly part: number
  readonly parts: number
  readonly text: string
  readonly attempts: number
  readonly dueAt: number
  /** While another holds it. */
  readonly leaseUntil: number | null
}

export interface LaneHead {
  readonly lane: string
  readonly to: string
  readonly dueAt: number
  readonly leaseUntil: number | null
}

export interface Claim {
  readonly owner: string
  readonly until: number
  readonly now: number
}

export interface ClaimedPart {
  /** Whoever has a lower one writes nothing more. */
  readonly fence: number
  /** An attempt began before of which nobody knows how it ended. */
  readonly mayRepeat: boolean
}

/** As people see it: all parts together. */
export interface OutboxEntry extends MessageFacts {
  readonly sessionKey: string | null
  readonly status: OutboxStatus
  readonly parts: number
  readonly sentParts: number
  readonly attempts: number
  readonly mayRepeat: boolean
  /** Of what did not work last. */
  readonly why: string | null
  /** Of the next attempt; null where none is made. */
  readonly dueAt: number | null
  readonly settledAt: number | null
  readonly bytes: number
}

export interface Bounds {
  readonly parts: number
  readonly bytes: number
}

export type HeldPart = Pick<QueuedPart, 'id' | 'part'> & Pick<ClaimedPart, 'fence'>

export interface OutboxStore {
  /** All parts in one commit, unless more than `bounds` would wait for the destination then. A known key writes nothing. */
  accept(message: NewMessage, bounds: Bounds): Promise<{ readonly kind: 'new' | 'known'; readonly id: string } | { readonly kind: 'full' }>
  /** Of every lane in which something waits, in the order of the oldest. */
  heads(): Promise<readonly LaneHead[]>
  head(lane: string): Promise<QueuedPart | null>
  /** Takes the part for one attempt; on the disk before it leaves. Null where another was faster, or something of its lane goes first. */
  claim(part: Pick<QueuedPart, 'id' | 'part'>, claim: Claim): Promise<ClaimedPart | null>
  /** Those of them that are still this owner's, under these fences; a claim that was lost stays lost. */
  renew(parts: readonly HeldPart[], lease: Pick<Claim, 'owner' | 'until'>): Promise<void>
  /** These three throw `store/conflict` where the claim was lost. The text of what was sent is forgotten. */
  sent(part: HeldPart, now: number): Promise<void>
  postpone(part: HeldPart, next: { readonly dueAt: number; readonly why: string; readonly isUnknown: boolean }): Promise<void>
  /** With all parts that follow it. */
  kill(part: HeldPart, why: string, now: number): Promise<void>
  /** An earlier process held these: how its attempts ended is unknown. For a database that one process uses. */
  releaseAll(): Promise<void>
  get(id: string): Promise<OutboxEntry | null>
  /** Texts of the parts that are still kept. */
  texts(id: string): Promise<readonly string[]>
  /** Newest first. */
  list(query: { readonly status?: OutboxStatus; readonly to?: string; readonly limit: number }): Promise<readonly OutboxEntry[]>
  /** Dead parts wait again, at their old place; false where there are none. */
  retry(id: string, at: { readonly now: number; readonly expiresAt: number }): Promise<boolean>
  /** What has not been sent is given up, and its text forgotten; false where there is nothing. */
  drop(id: string, now: number): Promise<boolean>
}
