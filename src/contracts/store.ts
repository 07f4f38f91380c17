/**
 * What is kept. Everything goes through `Database`: reads, and commits that are lists of statements, so that the same queries run on an embedded and on a
 * shared engine, and concurrent commits can share one disk flush.
 */
import type { ApprovalStore, RefusalStore } from './approval-store.ts'
import type { ClusterStore } from './cluster.ts'
import type { LimitStore } from './limits.ts'
import type { Cleared } from './cleared.ts'
import type { DeviceStore } from './device.ts'
import type { Message } from './message.ts'
import type { Origin } from './origin.ts'
import type { OutboxStore } from './outbox.ts'
import type { JobStore } from './schedule.ts'
import type { TaskStore } from './task.ts'
import type { InboundMessage, TurnResult } from './turn.ts'
import type { RequestDigest } from './replay.ts'
import type { HeldTurn, Lease, TurnLeases } from './turn-lease.ts'
import type { TurnHistory } from './turn-story.ts'
import type { UndoStore } from './undo.ts'
import type { Usage } from './usage.ts'

export type SqlValue = string | number | null | Uint8Array
export type Row = Readonly<Record<string, SqlValue>>

export interface Statement {
  /** Parameters are `$1`, `$2`, … */
  readonly sql: string
  readonly params: readonly SqlValue[]
  /** Rows that must change; any other number rolls the whole commit back with `store/conflict`. */
  readonly expectChanges?: number
}

export interface Written {
  /** Resolves when it survives a power cut; asks the disk only when it is called. */
  readonly durable: () => Promise<void>
}

/** Texts of people on their way to a column and back. `row` identifies the row by what does not change in it. */
export interface Texts {
  seal(place: string, row: string, text: string): string
  /** Throws `store/corrupt` for what was changed or moved. */
  open(place: string, row: string, stored: string): string
  /** The same for bytes that stand outside of the database; only where `isSealed`. */
  sealBytes(place: string, row: string, bytes: Uint8Array): Uint8Array
  openBytes(place: string, row: string, stored: Uint8Array): Uint8Array
  /** Whether queries cannot look into them. */
  readonly isSealed: boolean
  /** Sealed, and the key was not given: nothing opens. */
  readonly isLocked: boolean
}

/** Short words to every process that listens to this database at that moment, this one included. Nobody keeps them. */
export interface Signals {
  /** For a commit: they are said when it stands. At most 7,000 bytes. */
  statement(words: string): Statement
  /** `onGap`: something may have been missed. Returns the way to stop. */
  listen(hear: (words: string) => void, onGap: () => void): Promise<() => Promise<void>>
}

export interface Database {
  readonly texts: Texts
  /** Whether other processes may use it at the same time. */
  readonly isShared: boolean
  /** For the few statements that the engines say differently. Nobody outside of the store asks. */
  readonly engine: 'sqlite' | 'postgres'
  /** Null where nobody else could hear them. */
  readonly signals: Signals | null
  query(sql: string, params: readonly SqlValue[]): Promise<readonly Row[]>
  /** All or nothing, durable when it resolves. Concurrent commits may share one transaction; a failing one never takes its neighbours along. */
  commit(statements: readonly Statement[]): Promise<void>
  /** The same in two steps: resolves when the commit survives the end of this process, `durable()` when it survives a power cut. */
  write(statements: readonly Statement[]): Promise<Written>
  /** Integrity check of the engine; empty when sound. */
  check(): Promise<readonly string[]>
  /** Writes all of it, as it is at one moment, into a new file; others go on writing. Null where its server's administrator makes the copies. */
  readonly copyTo: ((path: string) => Promise<void>) | null
  /** Bytes on disk. */
  size(): Promise<number>
  /** Why the latest commit could not be written; empty while all is well. */
  faults(): readonly string[]
  close(): Promise<void>
}

export interface Store {
  /** How texts of people are kept: for what lies beside the database. */
  readonly texts: Texts
  readonly sessions: SessionStore
  readonly turns: TurnStore
  readonly memory: MemoryStore
  readonly usage: UsageStore
  readonly undo: UndoStore
  readonly approvals: ApprovalStore
  readonly refusals: RefusalStore
  readonly devices: DeviceStore
  readonly limits: LimitStore
  readonly outbox: OutboxStore
  /** One pass of forgetting what is too old, in short commits; whoever goes through it decides how fast. */
  forgetOld(limits: RetentionLimits, now: number): AsyncIterable<Forgotten>
  /** Null where one gateway has the store to itself. */
  readonly cluster: ClusterStore | null
  /** What is kept about a conversation, in numbers; null where there is none of this key. */
  conversationFacts(key: string): Promise<ConversationFacts | null>
  /** The same as rows, page by page; its lines come from `sessions`. */
  conversationData(key: string, kind: ConversationKind, offset: number): Promise<ConversationData | null>
  /** Erases all of it, in free pages and in the log too. Whoever calls it has ended its turns. */
  eraseConversation(key: string, places: ErasePlaces): Promise<Erased | null>
  readonly jobs: JobStore
  readonly tasks: TaskStore
  /** Of the engine, and of what must hold between rows; a sentence for each thing that is wrong. */
  check(): Promise<readonly string[]>
  size(): Promise<number>
  faults(): readonly string[]
  close(): Promise<void>
}

/** Tables whose rows belong to a conversation, or run in it, and the notes that it wrote. */
export const conversationKinds = ['turns', 'approvals', 'grants', 'refusals', 'undo_steps', 'outbox', 'usage', 'tasks', 'jobs', 'job_runs', 'notes'] as const
export type ConversationKind = (typeof conversationKinds)[number]

export interface ConversationFacts {
  readonly key: string
  readonly rows: Readonly<Record<string, number>>
  /** Keys of notes that still say what it made them say. */
  readonly notes: readonly string[]
}

export interface ConversationData {
  readonly rows: readonly Readonly<Record<string, SqlValue>>[]
  /** The offset of the next page; null at the end. */
  readonly next: number | null
}

/** Beside the database. */
export interface ErasePlaces {
  /** The folder of copies of replaced files. */
  readonly copies: string
  /** The folder of copies of the database, which hold what is erased: they go. */
  readonly backups: string
}

export interface Erased {
  readonly notes: readonly string[]
  readonly copies: number
}

/** Days that something is kept; undefined is for good. */
export interface RetentionLimits {
  readonly conversationDays?: number | undefined
  readonly messageDays?: number | undefined
  readonly turnDays?: number | undefined
  readonly statelessDays?: number | undefined
  readonly usageDays?: number | undefined
  readonly refusalDays?: number | undefined
  readonly approvalDays?: number | undefined
  readonly outboxDays?: number | undefined
}

export interface Forgotten {
  readonly table: string
  readonly rows: number
}

export interface Session {
  readonly id: string
  readonly key: string
  readonly title: string | null
  /** Model or route chosen for this session, or null for the default. */
  readonly model: string | null
  readonly messageCount: number
  /** What the conversation has seen so far; only ever grows until reset. */
  readonly taint: Taint
  readonly createdAt: number
  readonly lastActivityAt: number
}

export interface Taint {
  readonly untrusted: boolean
  readonly private: boolean
}

export const NO_TAINT: Taint = { untrusted: false, private: false }

/** One line of a conversation: a message, or a summary that stands for all lines up to `coversUntil`. */
export interface Entry {
  /** Grows with time over the whole store; the order of a conversation. */
  readonly id: number
  readonly turnId: string | null
  readonly message: Message
  /** Estimated tokens of `message`. */
  readonly tokens: number
  readonly at: number
}

export interface Summary {
  readonly coversUntil: number
  readonly text: string
  readonly tokens: number
  /** A summary of untrusted text is untrusted. */
  readonly taint: Taint
}

export interface SessionList {
  readonly sessions: readonly Session[]
  readonly total: number
}

export interface SessionStore {
  /** Finds the session with this key or makes it. */
  open(key: string, now: number): Promise<Session>
  find(key: string): Promise<Session | null>
  /** By id; null when it is gone. */
  get(id: string): Promise<Session | null>
  list(query: { readonly limit: number; readonly offset: number; readonly search?: string }): Promise<SessionList>
  /** Throws `session/not-found`, or `session/exists` when the new key is taken. */
  rename(key: string, change: { readonly key?: string; readonly title?: string; readonly model?: string | null }): Promise<Session>
  /** Forgets the conversation (entries, summary, taint) and keeps the session. */
  reset(key: string, now: number): Promise<void>
  delete(key: string): Promise<boolean>
  /** The newest entries after `afterId`, oldest first: at most `limit`. */
  tail(sessionId: string, query: { readonly limit: number; readonly afterId?: number; readonly beforeId?: number }): Promise<readonly Entry[]>
  /** The oldest entries after `afterId`, oldest first: at most `limit`. */
  head(sessionId: string, query: { readonly limit: number; readonly afterId: number }): Promise<readonly Entry[]>
  summary(sessionId: string): Promise<Summary | null>
  saveSummary(sessionId: string, summary: Summary, now: number): Promise<void>
}

/** Steps of a turn's journal. Each is committed before the next step acts. */
export type JournalStep =
  /** The model asked for tools: the assistant message, with its calls. */
  | { readonly kind: 'assistant'; readonly message: Message; readonly usage: Usage; readonly model: string; readonly request?: RequestDigest }
  /** A tool is about to run. */
  | { readonly kind: 'tool-intent'; readonly callId: string; readonly tool: string; readonly effectId: string }
  /** What it answered (a `tool` message with one or more results). */
  | { readonly kind: 'tool-result'; readonly message: Message; readonly ms: number }

export interface StoredTurn {
  readonly turnId: string
  readonly sessionId: string | null
  readonly sessionKey: string | null
  readonly request: InboundMessage
  readonly acceptedAt: number
  readonly fence: number
  /** Null while it waits. */
  readonly owner: string | null
  /** Somebody cancelled it: it does not go on. */
  readonly isCancelled: boolean
  /** Whether an earlier process began it. */
  readonly steps: readonly JournalStep[]
}

/** All that is left of a turn, whether it has ended or not. */
export interface TurnRecord extends StoredTurn {
  readonly reply: Message | null
  readonly result: TurnResult | null
  /** Of the entries of its conversation, its own first that is no message to it. */
  readonly firstStepId: number | null
}

export interface AcceptedMessage {
  readonly turnId: string
  /** Nothing is journaled that the inbound guard did not see. */
  readonly request: Cleared<InboundMessage>
  readonly now: number
  /** Another turn of the conversation runs first: its lines come before this message's (see `begin`). */
  readonly queued: boolean
  readonly lease: Lease
}

/** `durable()`: nobody is told that the message was accepted before. */
export interface JournaledMessage extends Written {
  readonly repeatedOf: string | null
  readonly sessionId: string | null
  /** Where gateways share the store: another turn of the conversation runs first, perhaps elsewhere, and nobody holds this one yet. */
  readonly isBehind: boolean
}

export interface TurnStore {
  readonly leases: TurnLeases
  readonly history: TurnHistory
  /**
   * Journals an accepted message: turn row, user entry and session in one commit; its turn has the first fence. Returns the earlier turn's id when the idempotency key was seen within 24 h.
   */
  accept(turn: AcceptedMessage): Promise<JournaledMessage>
  /** A queued turn starts: its message becomes a line of the conversation now. Does nothing when it is one already. */
  begin(turn: HeldTurn, request: InboundMessage, now: number): Promise<void>
  /** Appends steps; conversation entries come out of them. Throws `turn/lost`, as `begin` and `finish` do. */
  append(turn: HeldTurn, steps: readonly JournalStep[], now: number): Promise<void>
  /** The reply, the usage row, the taint and the end of the turn in one commit; once, however often the same worker tries. `reply` is null when nothing was said. */
  finish(end: TurnEnd): Promise<void>
  /** Those that have not ended are not to go on, whoever takes them up. */
  cancel(turnIds: readonly string[]): Promise<void>
  /** Accepted and not finished, oldest first. */
  unfinished(): Promise<readonly StoredTurn[]>
  /** An accepted turn that has not ended; null when there is none. */
  open(turnId: string): Promise<StoredTurn | null>
  /** Null when it is unknown. */
  record(turnId: string): Promise<TurnRecord | null>
  /** The result of a finished turn; null while it runs or when it is unknown. */
  result(turnId: string): Promise<TurnResult | null>
}

export interface TurnEnd extends HeldTurn {
  /** What it was asked. */
  readonly request: InboundMessage
  readonly reply: Message | null
  readonly replyTokens: number
  readonly result: TurnResult
  readonly taint: Taint
  /** It may have asked the owner: what still waits is cancelled in the same commit. */
  readonly hasAsked?: boolean
  readonly now: number
}

export interface MemoryRecord {
  readonly key: string
  readonly value: string
  readonly origin: Origin
  readonly createdAt: number
  readonly updatedAt: number
}

/** Limits: key 1 KiB, value 64 KiB, 4 MiB in all. */
export interface MemoryStore {
  write(record: { readonly key: string; readonly value: string; readonly origin: Origin; readonly now: number }): Promise<void>
  read(key: string): Promise<MemoryRecord | null>
  list(query: { readonly prefix?: string; readonly limit: number }): Promise<readonly MemoryRecord[]>
  /** Best match first; every word of the query may match by prefix. */
  search(query: string, limit: number): Promise<readonly MemoryRecord[]>
  delete(key: string): Promise<boolean>
}

export interface UsageRow {
  /** `2026-11-22` (UTC) or a model or a session key, as grouped. */
  readonly group: string
  readonly turns: number
  readonly usage: Usage
  /** US dollars over the turns whose price is known. */
  readonly costUsd: number
  /** Turns without a known price. */
  readonly unpricedTurns: number
}

export interface UsageStore {
  summarize(query: { readonly by: 'day' | 'model' | 'session'; readonly sinceMs: number }): Promise<readonly UsageRow[]>
}
