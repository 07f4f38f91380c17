/** Goes through a folder and below it, without the excluded and never through a link. Bounded: who walks is told when it was not all. */
import type { Dirent } from 'node:fs'
import { opendir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { contains, type InsideRoots } from '../std/inside-roots.ts'
import { isExcluded, isProtected, type FileAccess } from './file-access.ts'

const MAX_VISITED = 10_000

export interface Visited {
  readonly entry: Dirent
  readonly path: string
  /** From where the walk began, with `/`. */
  readonly name: string
}

export class Walk {
  isComplete = true
  #visited = 0
  readonly #start: InsideRoots
  readonly #depth: number
  readonly #access: FileAccess
  readonly #signal: AbortSignal

  /** `depth` 1 is the folder alone. */
  constructor(start: InsideRoots, depth: number, access: FileAccess, signal: AbortSignal) {
    this.#start = start
    this.#depth = depth
    this.#access = access
    this.#signal = signal
  }

  entries(): AsyncGenerator<Visited> {
    return this.#folder(this.#start.path, 1)
  }

  async *#folder(path: string, depth: number): AsyncGenerator<Visited> {
    const folder = await opendir(path).catch((error: unknown) => {
      if (depth === 1) throw new AppError('file/unreadable', 'it is not a folder that can be listed', { cause: error })
      return null
    })
    if (folder === null) return
    const below: string[] = []
    // The loop closes the folder, also when it is left early.
    for await (const entry of folder) {
      this.#signal.throwIfAborted()
      if (++this.#visited > MAX_VISITED) this.isComplete = false
      if (!this.isComplete) return
      const at = join(path, entry.name)
      if (isExcluded({ path: at, root: this.#start.root }, this.#access)) continue
      if (this.#mayBeOurs(at) && (await isProtected(at, this.#access))) continue
      yield { entry, path: at, name: relative(this.#start.path, at).split(sep).join('/') }
      // Links are shown and never followed.
      if (entry.isDirectory()) below.push(at)
    }
    if (depth >= this.#depth) {
      if (this.#depth > 1 && below.length > 0) this.isComplete = false
    } else for (const each of below) if (this.isComplete && (await this.#isStillInside(each))) yield* this.#folder(each, depth + 1)
  }

  /** Names are compared first: asking the file system for every entry would take long. */
  #mayBeOurs(path: string): boolean {
    const name = path.slice(path.lastIndexOf(sep) + 1).toLowerCase()
    return this.#access.protectedPaths.some((each) => each.toLowerCase().endsWith(`${sep}${name}`))
  }

  /** A folder may have become a link since it was seen. */
  async #isStillInside(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null)
    return real !== null && contains(this.#start.root, real)
  }
}
