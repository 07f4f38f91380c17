/** What strangers did and is counted: by every node for all, and the wrong credentials also across a restart. */
export type LimitKind =
  /** Wrong credentials, by address. */
  | 'credentials'
  /** Wrong passwords, wherever from. */
  | 'passwords'
  /** Requests of strangers, by address. */
  | 'strangers'
  /** Requests of strangers that want to be admitted as devices, by address. */
  | 'pairing'

/** Those whose counts are kept: whoever waits for a restart gains nothing. */
export const keptLimits: readonly LimitKind[] = ['credentials', 'passwords']

export interface Counted {
  readonly kind: LimitKind
  readonly key: string
  /** Negative where some turned out to be right. */
  readonly times: number
}

export interface KeptCount {
  readonly kind: LimitKind
  readonly key: string
  readonly count: number
  /** Milliseconds since the first of them. */
  readonly ageMs: number
}

/** How long wrong credentials count, from the first of them. */
export const ATTEMPTS_COUNT_MS = 60_000

export interface LimitStore {
  /** Adds to what is kept, and tells other nodes. */
  add(counted: readonly Counted[], now: number, node: string): Promise<void>
  /** What still counts. */
  recent(now: number): Promise<readonly KeptCount[]>
}
