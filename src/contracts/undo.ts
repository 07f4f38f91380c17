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

/** `before` is null where there was nothing. `after`: hex SHA-256 of what was written, so that what somebody changed since is not overwritten unasked. */
export type Change =
  | { readonly kind: 'memory'; readonly key: string; readonly before: string | null; readonly after: string }
  | { readonly kind: 'file'; readonly path: string; readonly before: string | null; readonly after: string }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }

/** Called by a tool before it writes; resolves when it is on the disk. `before` of a file is the name of a copy in the state folder. */
export interface UndoLog {
  keep(call: { readonly turnId: string; readonly sessionId: string | null; readonly tool: string }, summary: string, change: Change): Promise<void>
}
