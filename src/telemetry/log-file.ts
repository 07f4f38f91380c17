/**
 * The log file: appends whole chunks at once, mode 0600, and keeps one old file. A full or lost disk never stops the program: what cannot be written is counted,
 * and the count is the first thing written when it works again.
 */
import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export class LogFile {
  readonly #path: string
  readonly #maxBytes: number
  #descriptor: number | null = null
  #size = 0
  #lost = 0

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
  }

  /** `chunk` is whole lines. */
  append(chunk: Buffer, lines: number): void {
    try {
      let descriptor = this.#descriptor ?? this.#open()
      if (this.#size > 0 && this.#size + chunk.length > this.#maxBytes) descriptor = this.#rotate()
      if (this.#lost > 0)
        this.#write(descriptor, Buffer.from(`{"time":"${new Date().toISOString()}","level":"warn","event":"log.lines-lost","lines":${this.#lost}}\n`))
      this.#lost = 0
      this.#write(descriptor, chunk)
    } catch {
      this.#lost += lines
      this.close()
    }
  }

  close(): void {
    const descriptor = this.#descriptor
    this.#descriptor = null
    if (descriptor === null) return
    try {
      closeSync(descriptor)
    } catch {
      // Nothing more can be done with it.
    }
  }

  #write(descriptor: number, chunk: Buffer): void {
    for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written)
    this.#size += chunk.length
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    // A link in this place could make us write into any file of the owner's.
    const descriptor = openSync(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600)
    this.#descriptor = descriptor
    fchmodSync(descriptor, 0o600)
    this.#size = fstatSync(descriptor).size
    return descriptor
  }

  #rotate(): number {
    this.close()
    renameSync(this.#path, `${this.#path}.1`)
    return this.#open()
  }
}
