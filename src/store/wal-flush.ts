/**
 * Flushes the write-ahead log to the disk, off the event loop: what waits together shares one flush, and nobody is told before a flush that began after its commit has
 * ended. A flush that fails is final: the system may have marked the lost pages as written, so that the next flush would succeed without them. With SQLite's `synchronous = NORMAL` this gives what `FULL` gives (https://sqlite.org/pragma.html#pragma_synchronous): the log is all that a commit writes.
 */
import { close, fdatasync, fsync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../contracts/errors.ts'

const flush = promisify(fdatasync)
const flushFolder = promisify(fsync)
const closeFile = promisify(close)

export class WalFlush {
  readonly #file: number
  readonly #folder: Promise<void>
  readonly #flush: (file: number) => Promise<void>
  #running = false
  #current: Promise<void> | null = null
  #failure: AppError | null = null
  /** The flush that has not begun yet: it covers everything that is written now. */
  #next: PromiseWithResolvers<void> | null = null
  /** The flush with which it closes; whoever asks later is content with that. */
  #last: Promise<void> | null = null

  constructor(path: string, flushFile: ((file: number) => Promise<void>) | undefined) {
    this.#file = openSync(path, 'r+')
    this.#flush = flushFile ?? flush
    this.#folder = syncFolder(dirname(path))
  }

  /** The flush that runs now; null when none does. */
  get current(): Promise<void> | null {
    return this.#current
  }

  /** Why nothing can be kept any more, until the next start. */
  get failure(): AppError | null {
    return this.#failure
  }

  /** Resolves when everything written before this call is on the disk. */
  flushed(): Promise<void> {
    if (this.#last !== null) return this.#last
    if (this.#failure !== null) return rejected(this.#failure)
    const next = (this.#next ??= Promise.withResolvers<void>())
    // Whoever only waits for the writing does not hear of a failed flush here: the next commit does.
    next.promise.catch(() => undefined)
    if (!this.#running) void this.#run()
    return next.promise
  }

  async close(): Promise<void> {
    this.#last = this.#running || this.#next !== null ? this.flushed() : Promise.resolve()
    await this.#last.catch(() => undefined)
    await this.#folder
    await closeFile(this.#file)
  }

  async #run(): Promise<void> {
    this.#running = true
    await this.#folder
    for (let current = this.#take(); current !== null; current = this.#take()) {
      try {
        if (this.#failure !== null) throw this.#failure
        this.#current = current.promise
        await this.#flush(this.#file)
        current.resolve()
      } catch (error) {
        this.#failure ??= new AppError('store/unavailable', 'the disk reported an error', { cause: error, hint: 'Check the disk, then start again' })
        current.reject(this.#failure)
      }
      this.#current = null
    }
    this.#running = false
  }

  #take(): PromiseWithResolvers<void> | null {
    const current = this.#next
    this.#next = null
    return current
  }
}

/** Whoever only waits for the writing does not look at this. */
function rejected(failure: AppError): Promise<void> {
  const promise = Promise.reject(failure)
  promise.catch(() => undefined)
  return promise
}

/** The name of a new file survives a power cut only when its folder was flushed; some platforms cannot. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = openSync(path, 'r')
    await flushFolder(folder)
    await closeFile(folder)
  } catch {
    // Windows opens no folders; there the file system keeps names by itself.
  }
}
