/**
 * Flushes the write-ahead log to the disk, off the event loop: what waits together shares one flush, and nobody is told before a flush that began after its commit has
 * ended. With SQLite's `synchronous = NORMAL` this gives what `FULL` gives (https://sqlite.org/pragma.html#pragma_synchronous): the log is all that a commit writes.
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
  #running = false
  /** The flush that has not begun yet: it covers everything that is written now. */
  #next: PromiseWithResolvers<void> | null = null

  constructor(path: string) {
    this.#file = openSync(path, 'r+')
    this.#folder = syncFolder(dirname(path))
  }

  /** Resolves when everything written before this call is on the disk. */
  flushed(): Promise<void> {
    const next = (this.#next ??= Promise.withResolvers<void>())
    // Whoever only waits for the writing does not hear of a failed flush here: the next commit does.
    next.promise.catch(() => undefined)
    if (!this.#running) void this.#run()
    return next.promise
  }

  async close(): Promise<void> {
    if (this.#running || this.#next !== null) await this.flushed().catch(() => undefined)
    await this.#folder
    await closeFile(this.#file)
  }

  async #run(): Promise<void> {
    this.#running = true
    await this.#folder
    for (let current = this.#take(); current !== null; current = this.#take()) {
      try {
        await flush(this.#file)
        current.resolve()
      } catch (error) {
        current.reject(new AppError('store/unavailable', 'the disk reported an error', { cause: error, hint: 'Check the disk, then start again' }))
      }
    }
    this.#running = false
  }

  #take(): PromiseWithResolvers<void> | null {
    const current = this.#next
    this.#next = null
    return current
  }
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
