/** Where an earlier process left the trail, and what it did not finish. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AuditKeys } from '../../contracts/audit.ts'
import { allFiles, CURRENT, rawLines } from './files.ts'
import { headText, readHead, type Head } from './head.ts'
import { GENESIS, readLine, type Place } from './line.ts'

export interface Recovered {
  readonly place: Place
  /** What was cut off behind the last signed line; null when nothing was. */
  readonly cut: { readonly bytes: number; readonly hash: string } | null
  /** There was no trail yet. */
  readonly isNew: boolean
  /** Lines that were surely written are gone. */
  readonly isCutShort: boolean
}

const MAX_KEPT = 1024 * 1024

/**
 * Behind the last signed line is the torn rest of a write: it is moved into a file beside. Where the head is gone, or knows of more than there is, the chain goes on so that the gap
 * stays to be seen.
 */
export function recover(folder: string, keys: AuditKeys): Recovered {
  const head = soundHead(folder, keys)
  const { last, end } = lastSigned(folder)
  const cut = end === null ? null : cutBehind(folder, end)
  if (head === 'missing' && last === null) return { place: { seq: 0, hash: GENESIS }, cut, isNew: true, isCutShort: false }
  if (head === 'missing' || head === null) return { place: { seq: (last?.seq ?? 0) + 1, hash: last?.hash ?? GENESIS }, cut, isNew: false, isCutShort: true }
  if ((last?.seq ?? 0) < head.seq) return { place: { seq: head.seq, hash: head.hash }, cut, isNew: false, isCutShort: true }
  return { place: last ?? { seq: 0, hash: GENESIS }, cut, isNew: false, isCutShort: false }
}

/** Ed25519 signs the same text the same way. */
function soundHead(folder: string, keys: AuditKeys): Head | 'missing' | null {
  const head = readHead(folder)
  return head === 'missing' || head === null || keys.sign(headText(head)) === head.sig ? head : null
}

/** `end`: where it ends in the current file; null without one. */
function lastSigned(folder: string): { readonly last: Place | null; readonly end: number | null } {
  let end: number | null = null
  for (const name of allFiles(folder).toReversed()) {
    let last: Place | null = null
    let behind = 0
    for (const { text, isComplete, start } of rawLines(folder, name)) {
      const line = isComplete ? readLine(text) : null
      if (line?.sig === undefined) continue
      last = { seq: line.seq, hash: line.hash }
      behind = start + Buffer.byteLength(text) + 1
    }
    if (name === CURRENT) end = behind
    if (last !== null) return { last, end }
  }
  return { last: null, end }
}

function cutBehind(folder: string, end: number): { readonly bytes: number; readonly hash: string } | null {
  const descriptor = openSync(join(folder, CURRENT), 'r+')
  try {
    const digest = createHash('sha256')
    const kept: Buffer[] = []
    const piece = Buffer.alloc(65_536)
    let bytes = 0
    for (let read = readSync(descriptor, piece, 0, piece.length, end); read > 0; read = readSync(descriptor, piece, 0, piece.length, end + bytes)) {
      const part = Buffer.from(piece.subarray(0, read))
      digest.update(part)
      if (bytes + read <= MAX_KEPT) kept.push(part)
      bytes += read
    }
    if (bytes === 0) return null
    const hash = digest.digest('base64url')
    writeFileSync(join(folder, `torn-${hash.slice(0, 12)}`), Buffer.concat(kept), { mode: 0o600 })
    ftruncateSync(descriptor, end)
    fsyncSync(descriptor)
    return { bytes, hash }
  } finally {
    closeSync(descriptor)
  }
}
