import { rawLines } from './files.ts'
import { readLine, type Place } from './line.ts'

/** The last sound line of a file. */
export function lastLine(folder: string, name: string): Place | null {
  let last: Place | null = null
  for (const { text, isComplete } of rawLines(folder, name)) {
    const line = isComplete ? readLine(text) : null
    if (line !== null) last = { seq: line.seq, hash: line.hash }
  }
  return last
}
