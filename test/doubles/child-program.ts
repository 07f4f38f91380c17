/** A second process that runs a piece of code until it is ended, for races against it. */
import { spawn } from 'node:child_process'

export interface ChildProgram {
  /** Resolves when it has printed something. */
  readonly begun: Promise<void>
  /** Rejects when it ended by itself: then it did nothing for the test. */
  end(): Promise<void>
}

export function runProgramOf(code: string): ChildProgram {
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    begun: new Promise((resolve) => child.stdout.once('data', () => resolve())),
    async end() {
      const isAlive = child.exitCode === null
      child.kill('SIGKILL')
      await ended
      if (!isAlive) throw new Error('the other process had ended before')
    },
  }
}
