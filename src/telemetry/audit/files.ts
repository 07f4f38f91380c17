/** The files of the trail: `receipts.jsonl` is written, `receipts-000001.jsonl` and on are full. */
import { isUtf8 } from 'node:buffer'
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_LINE_BYTES } from './line.ts'

export const CURRENT = 'receipts.jsonl'
const FULL = /^receipts-(\d{6,})\.jsonl$/
const PIECE = 65_536

/** Full ones, oldest first, by number. */
export function fullFiles(folder: string): readonly { readonly name: string; readonly number: number }[] {
  return namesIn(folder)
    .flatMap((name) => {
      const number = FULL.exec(name)?.[1]
      return number === undefined ? [] : [{ name, number: Number(number) }]
    })
    .sort((a, b) => a.number - b.number)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

export function fullName(number: number): string {
  return `receipts-${String(number).padStart(6, '0')}.jsonl`
}

/** Oldest first, the current one last. */
export function allFiles(folder: string): readonly string[] {
  const names = fullFiles(folder).map(({ name }) => name)
  return namesIn(folder).includes(CURRENT) ? [...names, CURRENT] : names
}

export interface RawLine {
  /** Empty where the bytes are no UTF-8. */
  readonly text: string
  /** From 1. */
  readonly number: number
  readonly isComplete: boolean
  /** Where it begins, in bytes. */
  readonly start: number
}

/** Line by line from a byte on, in bounded memory: what is too long comes cut, and is then no line of ours. */
export function* rawLines(folder: string, name: string, first = 0): Generator<RawLine> {
  const descriptor = openSync(join(folder, name), 'r')
  try {
    const piece = Buffer.alloc(PIECE)
    let rest = Buffer.alloc(0)
    let number = 0
    let start = first
    let skipped = 0
    let position = first
    for (let read = readSync(descriptor, piece, 0, PIECE, position); read > 0; read = readSync(descriptor, piece, 0, PIECE, position)) {
      position += read
      let from = 0
      for (let end = piece.indexOf(10); end >= 0 && end < read; end = piece.indexOf(10, from)) {
        const bytes = Buffer.concat([rest, piece.subarray(from, end)])
        yield { text: textOf(bytes), number: ++number, isComplete: true, start }
        start += skipped + bytes.length + 1
        skipped = 0
        rest = Buffer.alloc(0)
        from = end + 1
      }
      rest = Buffer.concat([rest, piece.subarray(from, read)])
      if (rest.length > 2 * MAX_LINE_BYTES) {
        skipped += rest.length - 2 * MAX_LINE_BYTES
        rest = rest.subarray(0, 2 * MAX_LINE_BYTES)
      }
    }
    if (rest.length > 0) yield { text: textOf(rest), number: ++number, isComplete: false, start }
  } finally {
    closeSync(descriptor)
  }
}

function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : ''
}

/** The folder and what is in it, as far as it is not its owner's alone. Where modes mean nothing, nothing. */
export function openToOthers(folder: string): readonly string[] {
  if (process.getuid === undefined) return []
  const all = [folder, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))]
  return all.filter((path) => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0)
}
