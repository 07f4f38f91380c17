/** Structured log lines. Fields never hold message text, and known secrets are redacted by the writer. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  child(bindings: LogFields): Log
}
export type LogFields = Readonly<Record<string, unknown>>

/** Where `logs.tail` reads. A line is the JSON text as written, already redacted. */
export interface LogTail {
  /** The newest lines, oldest first. */
  tail(lines: number): readonly string[]
  /** Calls back for every new line until the returned function is called. */
  follow(listener: (line: string) => void): () => void
}

/** Strings that must never leave: whoever learns a secret adds it, every writer asks. */
export interface SecretRegistry {
  add(secret: string): void
  /** Secrets of 8 and more characters, longest first. */
  list(): readonly string[]
  /** Replaces every known secret by `[secret]`. */
  redact(text: string): string
  /** How many characters at the end of `text` may be the beginning of a secret: whoever writes in pieces keeps them back. */
  heldBack(text: string): number
  /** Where a secret of 12 and more letters and digits stands with other characters between them, or backwards: start and end, ascending. */
  findSplit(text: string): readonly (readonly [from: number, until: number])[]
  /** The same as `heldBack` for split secrets. */
  splitHeldBack(text: string): number
}
