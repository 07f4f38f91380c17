/** The process' own terminal. */
import { isatty } from 'node:tty'
import type { Terminal } from './context.ts'

export function processTerminal(env: Readonly<Record<string, string | undefined>>): Terminal {
  const { stdin, stdout, stderr } = process
  // A reader that has seen enough (`cara logs | head`) ends us without a word.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  stderr.on('error', () => undefined)
  const isTerminal = isatty(1)
  const forbidsColor = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return {
    write: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
    isTerminal,
    isInputTerminal: isatty(0),
    get columns() {
      return stdout.columns ?? 80
    },
    color: isTerminal && !forbidsColor,
    get input() {
      return stdin
    },
    output: stdout,
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

/** Ends the process once everything printed has been taken, whatever else still runs. */
export function endProcess(code: number): void {
  process.exitCode = code
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}
