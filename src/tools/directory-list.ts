import type { Dirent } from 'node:fs'
import { opendir, realpath } from 'node:fs/promises'
import { join, matchesGlob, relative, sep } from 'node:path'
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { JsonObject } from '../contracts/json.ts'
import type { Tool } from '../contracts/tool.ts'
import { contains, type InsideRoots } from '../std/inside-roots.ts'
import { isExcluded, locate, type FileAccess } from './file-access.ts'
import { listing } from './listing.ts'

const input = z.strictObject({
  path: z.string().min(1).max(4096),
  glob: z.string().min(1).max(256).optional().describe('Such as **/*.md'),
})
const MAX_VISITED = 10_000
const MAX_LISTED = 500
const MAX_DEPTH = 16

export function directoryList(access: FileAccess): Tool<z.infer<typeof input>> {
  return {
    name: 'directory_list',
    description: 'List a folder; with a glob, search below it.',
    input,
    manifest: {
      effect: 'read',
      effectWithoutDestination: 'read',
      recovery: 'pure',
      destinations: [],
      targets: [],
      content: [],
      paths: ['path'],
      consent: 'judged',
      returns: { trust: 'untrusted', private: true, curated: false, records: false },
    },
    async run({ path, glob }, _call, signal) {
      signal.throwIfAborted()
      const found = await locate(path, access)
      const walk = new Walk(found, glob, access, signal)
      await walk.folder(found.path, 0)
      const output = listing(walk.listed.sort(byName), 'Nothing is here')
      return { output: walk.isComplete ? output : `${output}\n[incomplete: too much is here]` }
    },
  }
}

interface Listed extends JsonObject {
  readonly name: string
  readonly type: string
}

const byName = (a: Listed, b: Listed) => (a.name < b.name ? -1 : 1)

class Walk {
  readonly listed: Listed[] = []
  isComplete = true
  #visited = 0
  readonly #start: InsideRoots
  readonly #glob: string | undefined
  readonly #access: FileAccess
  readonly #signal: AbortSignal

  constructor(start: InsideRoots, glob: string | undefined, access: FileAccess, signal: AbortSignal) {
    this.#start = start
    this.#glob = glob
    this.#access = access
    this.#signal = signal
  }

  async folder(path: string, depth: number): Promise<void> {
    const folder = await opendir(path).catch((error: unknown) => {
      if (depth === 0) throw new AppError('file/unreadable', 'it is not a folder that can be listed', { cause: error })
      return null
    })
    if (folder === null) return
    const below: string[] = []
    // The loop closes the folder, also when it is left early.
    for await (const entry of folder) {
      if (!this.#goesOn()) return
      const at = join(path, entry.name)
      if (isExcluded({ path: at, root: this.#start.root }, this.#access)) continue
      this.#take(entry, at)
      // Links are shown and never followed.
      if (entry.isDirectory()) below.push(at)
    }
    if (this.#glob === undefined || !this.#glob.includes('/')) return
    if (depth + 1 >= MAX_DEPTH && below.length > 0) this.isComplete = false
    else for (const each of below) if (await this.#isStillInside(each)) await this.folder(each, depth + 1)
  }

  #goesOn(): boolean {
    this.#signal.throwIfAborted()
    if (++this.#visited > MAX_VISITED || this.listed.length >= MAX_LISTED) this.isComplete = false
    return this.isComplete
  }

  /** A folder may have become a link since it was seen. */
  async #isStillInside(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null)
    return real !== null && contains(this.#start.root, real)
  }

  #take(entry: Dirent, path: string): void {
    const name = relative(this.#start.path, path).split(sep).join('/')
    if (this.#glob !== undefined && !matchesGlob(name, this.#glob)) return
    this.listed.push({ name, type: entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other' })
  }
}
