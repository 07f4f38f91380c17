/** What gateways that share a store know of each other. They meet in the database alone. */
import type { JsonValue } from './json.ts'
import type { LimitKind } from './limits.ts'
import type { SharedValues } from './settings.ts'
import type { Lease } from './turn-lease.ts'
import type { TurnEvent } from './turn.ts'
import type { WorkLog } from './work.ts'

/** What one tells the others; whoever does not hear it finds it out by looking, a little later. */
export type Signal =
  /** Events of a turn up to this one can be read. */
  | { readonly kind: 'events'; readonly turn: string; readonly session: string | null; readonly seq: number; readonly node: string }
  /** Whoever carries one of these on cancels it. */
  | { readonly kind: 'abort'; readonly turns: readonly string[]; readonly reason: string }
  /** Questions were asked, or answered. */
  | { readonly kind: 'approvals'; readonly ids: readonly string[]; readonly node: string }
  /** A credential was made, changed or taken away. */
  | { readonly kind: 'credentials'; readonly node: string }
  /** What strangers did, and is counted on all nodes. */
  | { readonly kind: 'limits'; readonly counted: readonly (readonly [kind: LimitKind, key: string, times: number])[]; readonly node: string }
  /** The shared settings have this version now. */
  | { readonly kind: 'settings'; readonly version: number }
  /** Something became of a job or a task. */
  | { readonly kind: 'work'; readonly node: string }
  /** Something in the list of nodes has changed. */
  | { readonly kind: 'nodes' }

export interface ClusterNode {
  /** Of one run of one process. */
  readonly id: string
  /** Of the machine. */
  readonly host: string
  readonly pid: number
  /** Where it listens. */
  readonly url: string
  readonly version: string
  /** The schema that it knows. */
  readonly schema: number
  /** Says whether two have the same configuration. */
  readonly config: string
  /** The version of the shared settings that it goes by. */
  readonly settings: number
  /** Why it does not go by the newest one, or not wholly; null where it does. */
  readonly settingsFault: string | null
  /** Whether somebody hears turns there as they come. */
  readonly hears: boolean
  /** It takes nothing new. */
  readonly draining: boolean
  readonly startedAt: number
  /** By the clock of the database. */
  readonly seenAt: number
}

export interface NodeLoad extends ClusterNode {
  /** Turns that it carries on. */
  readonly turns: number
}

/** A turn's events, numbered from 1 through all that carry it on. */
export interface KeptEvent {
  readonly seq: number
  readonly event: TurnEvent
}

export interface EventLog {
  /** Throws `turn/lost` when somebody else carries it on. Tells the others. */
  append(
    turn: { readonly turnId: string; readonly sessionKey: string | null; readonly fence: number },
    events: readonly KeptEvent[],
    node: string,
    now: number,
  ): Promise<void>
  /** The oldest after `seq`, at most `limit`. */
  after(turnId: string, seq: number, limit: number): Promise<readonly KeptEvent[]>
  /** 0 when there is none. */
  last(turnId: string): Promise<number>
  /** Forgets those before this moment. */
  prune(before: number): Promise<void>
}

/** The order of conversations over all nodes: a turn begins when none that came before it is open. */
export interface TurnOrder {
  /** The turn that is next in this conversation, where nobody carries it on and it waits for no answer. */
  next(sessionId: string): Promise<string | null>
  /** Turns that could go on and that nobody holds, the oldest first. */
  left(limit: number): Promise<readonly string[]>
  /** Takes turns whose owner let his lease run out, the longest first: what others take at this moment is passed over. */
  takeLapsed(lease: Lease, now: number, limit: number): Promise<readonly string[]>
  /** Open turns that this owner holds. */
  held(owner: string): Promise<readonly string[]>
  /** Lets go of a turn that one holds and does not carry on. */
  release(turnId: string, owner: string): Promise<void>
  /** These are to be cancelled by whoever carries them on, now or later; tells the others. */
  cancel(turnIds: readonly string[], reason: string): Promise<void>
  /** Open turns that are to be cancelled, and that this owner holds or nobody does. */
  cancelled(owner: string, limit: number): Promise<readonly { readonly turnId: string; readonly isHeld: boolean }[]>
  /** Open turns: this one, or all of a conversation. */
  open(target: { readonly turnId: string } | { readonly sessionKey: string }): Promise<readonly string[]>
}

/** Settings that all nodes go by. */
export interface SettingsStore {
  read(): Promise<SharedValues>
  /** Null takes a value back. False where `expected` is not the version any more. Tells the others. */
  change(change: { readonly path: string; readonly value: JsonValue; readonly by: string; readonly at: number }, expected: number): Promise<boolean>
}

/** Nobody asks any more about a node that was not seen for so long. */
export const NODE_KEPT_MS = 24 * 3_600_000
/** Events, for whoever comes back. */
export const EVENTS_KEPT_MS = 10 * 60_000

/** A node that was not seen for so long is taken for dead. */
export const DEAD_MS = 10_000

export interface ClusterStore {
  readonly events: EventLog
  readonly work: WorkLog
  readonly order: TurnOrder
  readonly settings: SettingsStore
  send(signal: Signal): Promise<void>
  /** `onGap`: something may have been missed. Returns the way to stop. */
  listen(hear: (signal: Signal) => void, onGap: () => void): Promise<() => Promise<void>>
  /** Says that this node lives; reads what the clock of the database says, and the version of the shared settings. */
  beat(node: Omit<ClusterNode, 'schema' | 'seenAt' | 'draining'>): Promise<{ readonly now: number; readonly draining: boolean; readonly settings: number }>
  /** Those that were seen since then, and what they carry. */
  nodes(since: number): Promise<readonly NodeLoad[]>
  leave(id: string): Promise<void>
  /** False when there is no such node. */
  drain(id: string, draining: boolean): Promise<boolean>
}
