/** Where an earlier process left the trail, and what it did not finish. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditKeys } from '../../contracts/audit.ts'
import { allFiles, CURRENT } from './files.ts'
import { headText, readHead, type Head } from './head.ts'
import { lastSigned } from './last-line.ts'
import { GENESIS, type Place } from './line.ts'

export interface Recovered {
  readonly place: Place
  /** What was cut off behind the last signed line; null when nothing was. */
  readonly cut: { readonly bytes: number; readonly hash: string } | null
  /** There was no trail yet. */
  readonly isNew: boolean
  /** Lines that were surely written are gone. */
  readonly isCutShort: boolean
}

/**
 * Behind the last signed line is the torn rest of a write: it is moved into a file beside. Where the head is gone, or knows of more than there is, the chain goes on so that the gap
 * stays to be seen.
 */
export function recover(folder: string, keys: AuditKeys): Recovered {
  const head = soundHead(folder, keys)
  const { last, end } = findLast(folder)
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
function findLast(folder: string): { readonly last: Place | null; readonly end: number | null } {
  let end: number | null = null
  for (const name of allFiles(folder).toReversed()) {
    const found = lastSigned(folder, name)
    if (name === CURRENT) end = found?.end ?? 0
    if (found !== null) return { last: found.place, end }
  }
  return { last: null, end }
}

function cutBehind(folder: string, end: number): { readonly bytes: number; readonly hash: string } | null {
  const descriptor = openSync(join(folder, CURRENT), 'r+')
  try {
    const size = fstatSync(descriptor).size
    if (size <= end) return null
    const hash = copy(descriptor, end, join(folder, `torn-${Date.now()}-${randomBytes(4).toString('hex')}`))
    ftruncateSync(descriptor, end)
    fsyncSync(descriptor)
    return { bytes: size - end, hash }
  } finally {
    closeSync(descriptor)
  }
}

/** Returns the hash of what it copied. */
function copy(from: number, start: number, to: string): string {
  const target = openSync(to, 'wx', 0o600)
  try {
    const digest = createHash('sha256')
    const piece = Buffer.alloc(65_536)
    let position = start
    for (let read = readSync(from, piece, 0, piece.length, position); read > 0; read = readSync(from, piece, 0, piece.length, position)) {
      position += read
      digest.update(piece.subarray(0, read))
      for (let written = 0; written < read;) written += writeSync(target, piece, written, read - written)
    }
    fsyncSync(target)
    return digest.digest('base64url')
  } finally {
    closeSync(target)
  }
}
