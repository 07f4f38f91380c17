/**
 * Who carries a turn on. A running turn has an owner whose lease he renews; one that waits for something has none. Each taking gives the turn a larger fence, and what is journaled
 * under an older one is refused (`turn/lost`): a worker that was taken for dead and wakes up can do no more harm.
 */
export interface Lease {
  /** One run of one process. */
  readonly owner: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** A turn as its worker holds it. */
export interface HeldTurn {
  readonly turnId: string
  readonly sessionId: string | null
  readonly fence: number
}

/** Holds a turn that waits for a moment: its lease runs out then, and whoever sees it takes the turn. */
export const ASLEEP = 'asleep'

/** Whoever accepts a message holds its turn. */
export const FIRST_FENCE = 1

export interface TurnLeases {
  /** Takes a turn that has not ended and that nobody holds, or this owner, or somebody whose lease ran out until `lapsed`. The new fence; null where there is nothing to take. */
  claim(turnId: string, lease: Lease, lapsed: number): Promise<number | null>
  /** Every turn that this owner holds. */
  renew(lease: Lease): Promise<void>
  /** Turns whose owner let his lease run out, the longest first. */
  lapsed(now: number, limit: number): Promise<readonly string[]>
  /** The turn waits until then, and nobody holds it. False, and nothing changes, where that is more than `maxMs` after it was accepted. Throws `turn/lost`. */
  sleep(turn: Pick<HeldTurn, 'turnId' | 'fence'>, until: number, maxMs: number): Promise<boolean>
  /** Until when it sleeps; null where it does not. */
  sleepsUntil(turnId: string): Promise<number | null>
  /** It waits for no moment any more. */
  wake(turnId: string): Promise<void>
  /** Whether others may use this store at the same time. Where nobody can, an owner that is not oneself is dead. */
  readonly isShared: boolean
}
