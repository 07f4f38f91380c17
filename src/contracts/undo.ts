import type { Origin } from './origin.ts'
import type { Job } from './schedule.ts'
import type { Task } from './task.ts'
import type { ToolCall } from './tool.ts'

/** What takes back a write of a tool to the owner's own data. Kept before the write happens, so that one that is never reported can be taken back too. */
export interface UndoStep {
  readonly id: string
  readonly turnId: string
  readonly sessionKey: string | null
  readonly tool: string
  /** One line for people: what was written. */
  readonly summary: string
  readonly change: Change
  readonly at: number
  /** When it was taken back; null while it stands. */
  readonly undoneAt: number | null
}

/** `before` is null where there was nothing. `after` is what was written, so that what somebody changed since is not overwritten unasked. */
export type Change =
  /** `after`: hex SHA-256 of value and origin in canonical JSON. */
  | { readonly kind: 'memory'; readonly key: string; readonly before: RememberedValue | null; readonly after: string }
  /** `after`: hex SHA-256 of the content. */
  | { readonly kind: 'file'; readonly place: Place; readonly before: KeptCopy | null; readonly after: string }
  /** `before`: what was replaced at `to`. `after`: hex SHA-256 of a file, device and inode of a folder or a large file. */
  | { readonly kind: 'move'; readonly from: Place; readonly to: Place; readonly before: KeptCopy | null; readonly after: string }

  /** `after`: hex SHA-256 of what it says. */
  | { readonly kind: 'job'; readonly name: string; readonly before: Job | null; readonly after: string }

  /** `before`: null where it was created. `after`: hex SHA-256 of what it says, empty where it was cancelled. */
  | { readonly kind: 'task'; readonly id: string; readonly before: Pick<Task, 'prompt' | 'origin'> | null; readonly after: string }

export interface RememberedValue {
  readonly value: string
  readonly origin: Origin
}

/** A real path in the root that the owner had configured when it was written. */
export interface Place {
  readonly root: string
  readonly path: string
}

/** A copy of a file in the state folder. */
export interface KeptCopy {
  readonly name: string
  /** Hex SHA-256. */
  readonly hash: string
  readonly bytes: number
  /** Permissions of the file. */
  readonly mode: number
}

export type UndoneCall = Pick<ToolCall, 'turnId' | 'callId' | 'effectId' | 'sessionId' | 'tool'>

/** For tools that write. */
export interface UndoLog {
  /** A copy of a file, flushed. Throws `undo/too-large` for what is larger than all copies together may be. */
  copy(content: AsyncIterable<Uint8Array>, mode: number): Promise<KeptCopy>
  /** A copy of which no step will speak, because nothing was written. */
  discard(copy: KeptCopy): Promise<void>
  read(copy: KeptCopy): AsyncIterable<Uint8Array>
  /** Called before the write; resolves when it is on the disk. */
  readonly keep: (call: UndoneCall, summary: string, change: Change) => Promise<void>
  /** Drops what is older or more than may be kept; happens with every write, too. */
  readonly forgetOld: () => Promise<void>
  /** What this very call kept before: after a crash, it may have written already. */
  find(call: UndoneCall): Promise<UndoStep | null>
}

/** The rows; the copies are beside the database. */
export interface UndoStore {
  add(call: UndoneCall, step: Pick<UndoStep, 'id' | 'summary' | 'change' | 'at'>): Promise<void>
  find(call: UndoneCall): Promise<UndoStep | null>
  get(id: string): Promise<UndoStep | null>
  /** Newest first. */
  list(query: { readonly limit: number; readonly turnId?: string }): Promise<readonly UndoStep[]>
  markUndone(id: string, at: number): Promise<void>
  /** Rows, and the bytes of their copies. */
  totals(): Promise<{ readonly steps: number; readonly bytes: number }>
  /** Names of the copies that rows speak of. */
  copies(): Promise<readonly string[]>
  /** Forgets what is older than `since`, then the oldest beyond `maxSteps` and `maxBytes`, but never the newest one. Returns the copies that no row speaks of any more. */
  prune(bounds: { readonly since: number; readonly maxSteps: number; readonly maxBytes: number }): Promise<readonly string[]>
}

/** For the owner. */
export interface Undo {
  list(query: { readonly limit: number; readonly turnId?: string }): Promise<readonly UndoStep[]>
  /**
   * Takes one step back. `force` also overwrites what was changed since. Throws `undo/not-found`, `undo/changed`, `undo/done`, `undo/gone`, `file/…`.
   */
  apply(id: string, options: { readonly force: boolean }): Promise<UndoStep>
}
