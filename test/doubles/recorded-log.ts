import type { Log } from '../../src/contracts/log.ts'

/** A log that keeps its lines as text, for tests that look for what must not be in them. */
export function recordedLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = []
  const write = (event: string, fields: unknown) => void lines.push(JSON.stringify([event, fields]))
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log }
  return { log, lines }
}
