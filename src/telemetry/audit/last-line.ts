/** The end of a file, without reading all of it. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { rawLines } from './files.ts'
import { readLine, type Place } from './line.ts'

const FIRST_LOOK = 65_536

/** The last sound line that is signed, and where it ends in bytes. */
export function lastSigned(folder: string, name: string): { readonly place: Place; readonly end: number } | null {
  const { size } = statSync(join(folder, name))
  for (let length = FIRST_LOOK; ; length *= 8) {
    const from = Math.max(0, size - length)
    const found = lastSignedFrom(folder, name, from)
    if (found !== null || from === 0) return found
  }
}

function lastSignedFrom(folder: string, name: string, from: number): { readonly place: Place; readonly end: number } | null {
  let found: { readonly place: Place; readonly end: number } | null = null
  // Begun inside a line, the first is none of ours.
  for (const { text, isComplete, start } of rawLines(folder, name, from)) {
    const line = isComplete ? readLine(text) : null
    if (line?.sig !== undefined) found = { place: { seq: line.seq, hash: line.hash }, end: start + Buffer.byteLength(text) + 1 }
  }
  return found
}
