/**
 * Flushes the write-ahead log to the disk, off the event loop: what waits together shares one flush, and nobody is told before a flush that began after its commit has
 * ended. With SQLite's `synchronous = NORMAL` this gives what `FULL` gives (https://sqlite.org/pragma.html#pragma_synchronous): the log is all that a commit writes.
 */
import { close, fdatasync, fsync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../contracts/errors.ts'

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const flush = promisify(fdatasync)
const flushFolder = promisify(fsync)
const closeFile = promisify(close)

export class WalFlush {
  readonly #file: number
  readonly #folder: Promise<void>
  #waiting: Waiter[] = []
  #running: Promise<void> | null = null

  constructor(path: string) {
    this.#file = openSync(path, 'r+')
    this.#folder = syncFolder(dirname(path))
  }

  wait(waiter: Waiter): void {
    this.#waiting.push(waiter)
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    await this.#running
    await this.#folder
    await closeFile(this.#file)
  }

  async #run(): Promise<void> {
    await this.#folder
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await flush(this.#file)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const shown = new AppError('store/unavailable', 'the disk reported an error', { cause: error, hint: 'Check the disk, then start again' })
        for (const { reject } of batch) reject(shown)
      }
    }
    this.#running = null
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
