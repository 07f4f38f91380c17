/**
 * Writes the trail. Lines wait at most 100 ms and are written together, the last of them signed: a signature costs fourteen times what a line does. There is one writer, the gateway
 * that holds the state folder. What cannot be written keeps its place.
 */
import { chmodSync, fdatasync, mkdirSync } from 'node:fs'
import { promisify } from 'node:util'
import type { AuditTrail, Receipt } from '../../contracts/audit.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import { writeHead } from './head.ts'
import { readWaiting, removeWaiting, waitingReceipts } from './inbox.ts'
import type { Dated, Place } from './line.ts'
import { recover } from './recover.ts'
import { SharedFlush } from './shared-flush.ts'
import { TrailFile, type TrailFileOptions } from './trail-file.ts'

export interface TrailOptions extends TrailFileOptions {
  readonly log: Log
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
  readonly #file: TrailFile
  readonly #flushes: SharedFlush
  #pending: Dated[] = []
  #lost = 0
  #timer: NodeJS.Timeout | null = null
  #syncTimer: NodeJS.Timeout | null = null
  #fault: string | null = null
  /** A flush that failed is final: the system may take lost pages for written. */
  #isDead = false
  #isClosed = false

  constructor(options: TrailOptions, place: Place, first: readonly Receipt[]) {
    this.#options = options
    this.#flushFile = options.flush ?? promisify(fdatasync)
    this.#file = new TrailFile(options, place)
    this.#flushes = new SharedFlush(
      () => this.#flush(),
      () => this.#file.closeRetired(),
    )
    for (const receipt of first) this.#pending.push({ at: options.now(), receipt })
    this.#write()
    this.#takeInbox()
    this.#file.sync()
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
    await this.#flushes.request()
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
      if (this.#tryWrite() && this.#file.descriptor !== null && !this.#isDead) this.#file.sync()
    } catch (error) {
      this.#fail(error)
    }
    this.#isClosed = true
    // A number that is free again may become another file's, which a late flush must not meet.
    void this.#flushes.settled().then(() => this.#file.close())
  }

  #tryWrite(): boolean {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    try {
      if (this.#file.isTorn) return false
      this.#write()
      if (this.#isDead) return true
      if (this.#fault !== null) this.#options.log.info('audit.works-again')
      this.#fault = null
      return true
    } catch (error) {
      this.#fail(error)
      this.#timer ??= setTimeout(() => this.#tryWrite(), RETRY_MS).unref()
      return false
    } finally {
      if (!this.#flushes.isRunning) this.#file.closeRetired()
    }
  }

  #write(): void {
    if (this.#lost > 0) {
      this.#pending.push({ at: this.#options.now(), receipt: { kind: 'receipts-lost', count: this.#lost } })
      this.#lost = 0
    }
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, MAX_CHUNK)
      this.#file.append(batch)
      this.#pending = this.#pending.slice(batch.length)
    }
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_MS).unref()
  }

  async #flush(): Promise<void> {
    const { place, descriptor } = this.#file
    try {
      if (this.#isDead || descriptor === null) throw new Error('it is closed')
      await this.#flushFile(descriptor)
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
    this.#flushes.request().catch(() => undefined)
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
      this.#file.writeHead(place)
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
