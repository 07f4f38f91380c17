/** Writes to a file descriptor before it returns: for short output of commands into pipes and files, where the stream of `process.stdout` costs more to make than to use. */
import { writeSync } from 'node:fs'

const PATIENCE_MS = 5
const waiter = new Int32Array(new SharedArrayBuffer(4))

/** False when nobody reads any more. A pipe that is full is waited for: its reader sets the pace. */
export function writeAll(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (code === 'EPIPE') return false
      if (code !== 'EAGAIN') throw error
      Atomics.wait(waiter, 0, 0, PATIENCE_MS)
    }
  }
  return true
}
