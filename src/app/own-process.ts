/**
 * What the gateway's process does not let out: no debugger, report or heap snapshot by a signal, whatever flags it was started with, and no secret in what a defect prints. Only for a
 * process that is ours alone.
 */
import { inspect } from 'node:util'
import type { Log } from '../contracts/log.ts'
import { writeAll } from '../std/write-all.ts'

const MAX_STACK = 16_384

export interface DefectSinks {
  readonly log: Log
  readonly redact: (text: string) => string
  /** Writes out what the log still holds. */
  readonly flush: () => void
}

export function closeSignals(): void {
  // SIGUSR1 opens Node's debugger; the others are those that reports and heap snapshots may have been put on. `--heapsnapshot-signal` is a listener like any other.
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    process.removeAllListeners(signal)
    process.on(signal, () => undefined)
  }
  const { report } = process
  if (report === undefined) return
  report.reportOnSignal = false
  report.reportOnUncaughtException = false
  report.reportOnFatalError = false
  report.excludeEnv = true
}

/** A defect that nobody caught ends the process, as ever; what is said about it is redacted. */
export function reportDefects({ log, redact, flush }: DefectSinks): () => void {
  const end = (error: unknown) => {
    const stack = redact(inspect(error, { depth: 4 })).slice(0, MAX_STACK)
    log.error('process.defect', { stack })
    flush()
    writeAll(2, `carapace: a defect ended the gateway; it goes on where it stopped at the next start\n${stack}\n`)
    process.exit(1)
  }
  process.on('uncaughtException', end)
  return () => void process.off('uncaughtException', end)
}
