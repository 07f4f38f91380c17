/**
 * Writes the trail. Lines wait at most 100 ms and are written together, the last of them signed: a signature costs fourteen times what a line does. There is one writer, the gateway
 * that holds the state folder. What cannot be written keeps its place: the chain only goes on with what is in the file.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AuditKeys, AuditTrail, Receipt } from '../../contracts/audit.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import { CURRENT, fullFiles, fullName } from './files.ts'
import { writeHead } from './head.ts'
import { readWaiting, removeWaiting, waitingReceipts } from './inbox.ts'
import { lastSigned } from './last-line.ts'
import { makeLine, type Dated, type Place } from './line.ts'
import { recover } from './recover.ts'

export interface TrailOptions {
  readonly folder: string
  readonly maxFileBytes: number
  readonly keepFiles: number
  readonly keys: AuditKeys
  readonly log: Log
  readonly now: () => number
  /** Flushes a file of this descriptor, off the event loop. */
  readonly flush?: (descriptor: number) => Promise<void>
}

export interface OpenTrail extends AuditTrail {
  /** Writes and flushes what waits. */
  close(): void
}

const WAIT_MS = 100
const RETRY_MS = 1000
const SYNC_MS = 5000
const MAX_PENDING = 4096
/** Lines that are written, and signed, together. */
const MAX_CHUNK = 128

/** Throws `audit/unwritable`. */
export function openTrail(options: TrailOptions): OpenTrail {
  try {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    chmodSync(options.folder, 0o700)
    const { place, cut, isNew, isCutShort } = recover(options.folder, options.keys)
    // From here on, lines without a head mean that somebody took it away.
    if (isNew) writeHead(options.folder, place, options.keys.sign)
    if (isCutShort) options.log.error('audit.lines-missing', { after: place.seq })
    if (cut !== null) options.log.warn('audit.recovered', { cutBytes: cut.bytes })
    return new Trail(options, place, cut === null ? [] : [{ kind: 'recovered', cutBytes: cut.bytes, cutHash: cut.hash }])
  } catch (error) {
    throw error instanceof AppError ? error : unwritable(options.folder, error)
  }
}

class Trail implements OpenTrail {
  readonly #options: TrailOptions
  readonly #flushFile: (descriptor: number) => Promise<void>
  #place: Place
  #pending: Dated[] = []
  #lost = 0
  #descriptor: number | null = null
  #size = 0
  #timer: NodeJS.Timeout | null = null
  #syncTimer: NodeJS.Timeout | null = null
  #fault: string | null = null
  /** A flush that failed is final: the system may take lost pages for written. */
  #isDead = false
  /** Half a write stands at the end. */
  #isTorn = false
  #flushing: Promise<void> | null = null
  #nextFlush: Promise<void> | null = null
  /** Full files that a flush may still be looking at. */
  #retired: number[] = []
  #isClosed = false

  constructor(options: TrailOptions, place: Place, first: readonly Receipt[]) {
    this.#options = options
    this.#flushFile = options.flush ?? promisify(fdatasync)
    this.#place = place
    for (const receipt of first) this.#pending.push({ at: options.now(), receipt })
    this.#write()
    this.#takeInbox()
    fsyncSync(this.#open())
    this.#writeHead(this.#place)
  }

  note(receipt: Receipt): void {
    if (this.#isClosed) return
    if (this.#pending.length >= MAX_PENDING) this.#lost++
    else this.#pending.push({ at: this.#options.now(), receipt })
    this.#timer ??= setTimeout(() => this.#tryWrite(), this.#fault === null ? WAIT_MS : RETRY_MS).unref()
  }

  async keep(receipt: Receipt): Promise<void> {
    if (this.#isClosed || this.#isDead) throw unwritable(this.#fault ?? 'it is closed')
    const dated = { at: this.#options.now(), receipt }
    this.#pending.push(dated)
    if (!this.#tryWrite()) {
      this.#pending = this.#pending.filter((waiting) => waiting !== dated)
      throw unwritable(this.#fault ?? 'the file cannot be written')
    }
    await this.#flushed()
  }

  mac(text: string): string {
    return this.#options.keys.mac(text)
  }

  faults(): readonly string[] {
    return this.#fault === null ? [] : [`the audit trail cannot be written: ${this.#fault}`]
  }

  close(): void {
    if (this.#isClosed) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer)
    try {
      this.#takeInbox()
      if (this.#tryWrite() && this.#descriptor !== null && !this.#isDead) {
        fsyncSync(this.#descriptor)
        this.#writeHead(this.#place)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isClosed = true
    const descriptors = [...this.#retired, ...(this.#descriptor === null ? [] : [this.#descriptor])]
    this.#retired = []
    this.#descriptor = null
    // A number that is free again may become another file's, which a late flush must not meet.
    void (this.#flushing ?? Promise.resolve()).catch(() => undefined).then(() => descriptors.forEach(closeQuietly))
  }

  #tryWrite(): boolean {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    try {
      if (this.#isTorn) return false
      this.#write()
      if (this.#isDead) return true
      if (this.#fault !== null) this.#options.log.info('audit.works-again')
      this.#fault = null
      return true
    } catch (error) {
      this.#fail(error)
      this.#timer ??= setTimeout(() => this.#tryWrite(), RETRY_MS).unref()
      return false
    }
  }

  #write(): void {
    if (this.#lost > 0) {
      this.#pending.push({ at: this.#options.now(), receipt: { kind: 'receipts-lost', count: this.#lost } })
      this.#lost = 0
    }
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, MAX_CHUNK)
      const descriptor = this.#open()
      const chunk = this.#chunk(batch)
      const isFull = this.#size + chunk.bytes.length > this.#options.maxFileBytes
      if (isFull) {
        this.#rotate(descriptor)
        // The first line of the new file comes before these.
        const next = this.#open()
        this.#append(next, this.#chunk(batch))
      } else this.#append(descriptor, chunk)
      this.#pending = this.#pending.slice(batch.length)
    }
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_MS).unref()
  }

  #chunk(receipts: readonly Dated[]): { readonly bytes: Buffer; readonly place: Place } {
    const texts: string[] = []
    let place = this.#place
    for (const [index, dated] of receipts.entries()) {
      const line = makeLine(dated, place, index === receipts.length - 1 ? this.#options.keys.sign : null)
      texts.push(line.text)
      place = line.place
    }
    return { bytes: Buffer.from(`${texts.join('\n')}\n`), place }
  }

  #append(descriptor: number, { bytes, place }: { readonly bytes: Buffer; readonly place: Place }): void {
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
    if (this.#descriptor !== null) this.#retire(this.#descriptor)
    this.#descriptor = null
    const descriptor = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600)
    fchmodSync(descriptor, 0o600)
    this.#descriptor = descriptor
    this.#size = fstatSync(descriptor).size
    if (this.#size === 0) this.#append(descriptor, this.#chunk([{ at: this.#options.now(), receipt: { kind: 'file-started', key: this.#options.keys.id } }]))
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
      this.#append(descriptor, this.#chunk([{ at: now(), receipt: { kind: 'pruned', lastSeq: last.seq, lastHash: last.hash } }]))
      fsyncSync(descriptor)
      rmSync(join(folder, name))
    }
  }

  #retire(descriptor: number): void {
    this.#retired.push(descriptor)
    if (this.#flushing === null) this.#closeRetired()
  }

  #closeRetired(): void {
    for (const descriptor of this.#retired.splice(0)) closeQuietly(descriptor)
  }

  /** Resolves when all that is written now is on the disk; who waits together shares a flush. */
  #flushed(): Promise<void> {
    if (this.#flushing === null) return this.#beginFlush()
    return (this.#nextFlush ??= this.#flushing
      .catch(() => undefined)
      .then(() => {
        this.#nextFlush = null
        return this.#beginFlush()
      }))
  }

  #beginFlush(): Promise<void> {
    const flushing = this.#flush().finally(() => {
      if (this.#flushing === flushing) this.#flushing = null
      this.#closeRetired()
    })
    this.#flushing = flushing
    return flushing
  }

  async #flush(): Promise<void> {
    const place = this.#place
    try {
      if (this.#isDead || this.#descriptor === null) throw new Error('it is closed')
      await this.#flushFile(this.#descriptor)
    } catch (error) {
      this.#isDead = true
      this.#fail(error)
      throw unwritable(this.#fault ?? '', error)
    }
    if (!this.#isClosed) this.#writeHead(place)
  }

  /** Notes are flushed now and then, so that the head stays near the end. */
  #sync(): void {
    this.#syncTimer = null
    if (this.#isClosed) return
    this.#takeInbox()
    this.#flushed().catch(() => undefined)
  }

  #takeInbox(): void {
    const { folder } = this.#options
    for (const name of waitingReceipts(folder)) {
      const found = readWaiting(folder, name)
      if (found === null) continue
      this.#pending.push(found)
      if (!this.#tryWrite()) {
        this.#pending = this.#pending.filter((one) => one !== found)
        return
      }
      removeWaiting(folder, name)
    }
  }

  #writeHead(place: Place): void {
    try {
      writeHead(this.#options.folder, place, this.#options.keys.sign)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'the disk reported an error'
    if (this.#fault === null) this.#options.log.error('audit.unwritable', { code })
    this.#fault = code
  }
}

function unwritable(detail: string, cause?: unknown): AppError {
  return new AppError('audit/unwritable', detail, {
    hint: 'Check the disk and the folder audit/ in the state folder',
    ...(cause === undefined ? {} : { cause }),
  })
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
