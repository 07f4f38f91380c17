/** Structured log lines. Fields never hold message text, and known secrets are redacted by the writer. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  child(bindings: LogFields): Log
}
export type LogFields = Readonly<Record<string, unknown>>
