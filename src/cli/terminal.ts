/** The process' own terminal. Streams are made only where they are needed: on a terminal, or to read; making them costs a short command a tenth of its time. */
import { writeAll } from '../std/write-all.ts'
import { isTerminalDescriptor } from '../std/is-terminal.ts'
import type { Terminal } from './context.ts'

export function processTerminal(env: Readonly<Record<string, string | undefined>>): Terminal {
  const forbidsColor = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const isTerminal = isTerminalDescriptor(1)
  return {
    write: isTerminal ? (text) => void process.stdout.write(text) : writeOrEnd,
    writeError: (text) => void writeAll(2, text),
    isTerminal,
    isInputTerminal: isTerminalDescriptor(0),
    get columns() {
      return isTerminal ? process.stdout.columns : 80
    },
    color: isTerminal && !forbidsColor,
    get input() {
      return process.stdin
    },
    get output() {
      return process.stdout
    },
    onSignal(listener) {
      const interrupt = () => listener('SIGINT')
      const terminate = () => listener('SIGTERM')
      process.on('SIGINT', interrupt)
      process.on('SIGTERM', terminate)
      return () => {
        process.off('SIGINT', interrupt)
        process.off('SIGTERM', terminate)
      }
    },
  }
}

/** A reader that has seen enough (`cara logs | head`) ends us without a word. */
function writeOrEnd(text: string): void {
  if (!writeAll(1, text)) process.exit(0)
}

/** Ends the process once everything printed has been taken, whatever else still runs. */
export function endProcess(code: number): void {
  process.exitCode = code
  if (isTerminalDescriptor(1)) process.stdout.write('', () => process.exit(code))
  else process.exit(code)
}
