/**
 * The file that is written, and where its chain is: opened by its name, rotated when it is full, the oldest of the full ones removed. The chain only goes on with what is in the
 * file.
 */
import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditKeys } from '../../contracts/audit.ts'
import { CURRENT, fullFiles, fullName } from './files.ts'
import { writeHead } from './head.ts'
import { lastSigned } from './last-line.ts'
import { makeLine, type Dated, type Place } from './line.ts'

export interface TrailFileOptions {
  readonly folder: string
  readonly maxFileBytes: number
  readonly keepFiles: number
  readonly keys: AuditKeys
  readonly now: () => number
}

interface Chunk {
  readonly bytes: Buffer
  readonly place: Place
}

export class TrailFile {
  readonly #options: TrailFileOptions
  #place: Place
  #descriptor: number | null = null
  #size = 0
  /** Full files that a flush may still be looking at. */
  #retired: number[] = []
  /** Half a write stands at the end. */
  #isTorn = false

  constructor(options: TrailFileOptions, place: Place) {
    this.#options = options
    this.#place = place
  }

  get place(): Place {
    return this.#place
  }

  get descriptor(): number | null {
    return this.#descriptor
  }

  get isTorn(): boolean {
    return this.#isTorn
  }

  /** One write, its last line signed. */
  append(receipts: readonly Dated[]): void {
    const descriptor = this.#open()
    const chunk = this.#chunk(receipts)
    if (this.#size + chunk.bytes.length <= this.#options.maxFileBytes) return this.#write(descriptor, chunk)
    this.#rotate(descriptor)
    // The first line of the new file comes before these.
    const next = this.#open()
    this.#write(next, this.#chunk(receipts))
  }

  /** All that is written is on the disk, and the head says so. */
  sync(): void {
    fsyncSync(this.#open())
    this.writeHead(this.#place)
  }

  writeHead(place: Place): void {
    writeHead(this.#options.folder, place, this.#options.keys.sign)
  }

  /** When no flush looks at them. */
  closeRetired(): void {
    for (const descriptor of this.#retired.splice(0)) closeQuietly(descriptor)
  }

  close(): void {
    if (this.#descriptor !== null) this.#retired.push(this.#descriptor)
    this.#descriptor = null
    this.closeRetired()
  }

  #chunk(receipts: readonly Dated[]): Chunk {
    const texts: string[] = []
    let place = this.#place
    for (const [index, dated] of receipts.entries()) {
      const line = makeLine(dated, place, index === receipts.length - 1 ? this.#options.keys.sign : null)
      texts.push(line.text)
      place = line.place
    }
    return { bytes: Buffer.from(`${texts.join('\n')}\n`), place }
  }

  #write(descriptor: number, { bytes, place }: Chunk): void {
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
    } catch (error) {
      this.#takeBack(descriptor)
      throw error
    }
    this.#size += bytes.length
    this.#place = place
  }

  /** Half a write would be no line of ours. What cannot be taken back is cut at the next start. */
  #takeBack(descriptor: number): void {
    try {
      ftruncateSync(descriptor, this.#size)
    } catch {
      this.#isTorn = true
    }
  }

  /** The file under the name: one that somebody moved away is not written any more. */
  #open(): number {
    const path = join(this.#options.folder, CURRENT)
    if (this.#descriptor !== null && isSame(path, this.#descriptor)) return this.#descriptor
    if (this.#descriptor !== null) this.#retired.push(this.#descriptor)
    this.#descriptor = null
    const descriptor = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600)
    fchmodSync(descriptor, 0o600)
    this.#descriptor = descriptor
    this.#size = fstatSync(descriptor).size
    if (this.#size === 0) this.#write(descriptor, this.#chunk([{ at: this.#options.now(), receipt: { kind: 'file-started', key: this.#options.keys.id } }]))
    return descriptor
  }

  #rotate(descriptor: number): void {
    const { folder } = this.#options
    fsyncSync(descriptor)
    renameSync(join(folder, CURRENT), join(folder, fullName((fullFiles(folder).at(-1)?.number ?? 0) + 1)))
    this.#prune()
    fsyncFolder(folder)
  }

  /** The note that a file is gone is on the disk before the file goes. */
  #prune(): void {
    const { folder, keepFiles, now } = this.#options
    const full = fullFiles(folder)
    for (const { name } of full.slice(0, Math.max(0, full.length + 1 - keepFiles))) {
      const last = lastSigned(folder, name)?.place ?? null
      const descriptor = this.#open()
      // What cannot be named stays, and is seen.
      if (last === null) continue
      this.#write(descriptor, this.#chunk([{ at: now(), receipt: { kind: 'pruned', lastSeq: last.seq, lastHash: last.hash } }]))
      fsyncSync(descriptor)
      rmSync(join(folder, name))
    }
  }
}

function isSame(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false })
  const open = fstatSync(descriptor)
  return named !== undefined && named.ino === open.ino && named.dev === open.dev
}

function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // Nothing more can be done with it.
  }
}

function fsyncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
  } catch {
    // Some platforms open no folders; there the file system keeps names by itself.
  }
}
