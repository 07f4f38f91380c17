import { matchesGlob } from 'node:path'
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { JsonObject } from '../contracts/json.ts'
import type { Tool } from '../contracts/tool.ts'
import type { InsideRoots } from '../std/inside-roots.ts'
import { linearPattern, type Effort, type LinearPattern } from '../std/linear-pattern.ts'
import { isProtected, locate, openChecked, type FileAccess } from './file-access.ts'
import { listing } from './listing.ts'
import { Walk } from './walk.ts'
import { reading } from './reading.ts'

const input = z
  .strictObject({
    pattern: z.string().min(1).max(256).describe('Glob such as **/*.md'),
    path: z.string().min(1).max(4096).default('.'),
    text: z.string().min(1).max(1000).optional(),
    regex: z.string().min(1).max(1000).optional(),
    depth: z.int().min(1).max(64).default(10),
  })
  .refine(({ text, regex }) => text === undefined || regex === undefined, 'text or regex, not both')

const MAX_FOUND = 200
const MAX_PER_FILE = 20
const MAX_FILE_BYTES = 4 * 1024 * 1024
const MAX_READ_BYTES = 64 * 1024 * 1024
/** Characters times states of a pattern: some seconds at most. */
const MAX_EFFORT = 100_000_000
const SNIPPET = 200

export function fileSearch(access: FileAccess): Tool<z.infer<typeof input>> {
  return {
    name: 'file_search',
    description: 'Find files by name, and lines in them by text or regex.',
    input,
    manifest: reading({ trust: 'untrusted', private: true, curated: false, records: false }, ['path']),
    async run({ pattern, path, text, regex, depth }, _call, signal) {
      signal.throwIfAborted()
      const found = await locate(path, access)
      const walk = new Walk(found, depth, access, signal)
      const lines = new LineSearch(text, regex)
      const hits: JsonObject[] = []
      for await (const { entry, path, name } of walk.entries()) {
        if (!entry.isFile() || !(matchesGlob(name, pattern) || matchesGlob(entry.name, pattern))) continue
        if (hits.length >= MAX_FOUND || lines.isExhausted) {
          walk.isComplete = false
          break
        }
        if (lines.isByName) hits.push({ name })
        else if (!(await isProtected(path, access))) hits.push(...(await lines.in({ ...found, path }, name, signal)))
      }
      const output = listing(hits.slice(0, MAX_FOUND), 'Nothing was found')
      const isWhole = walk.isComplete && !lines.isExhausted && !lines.leftOut
      return { output: isWhole ? output : `${output}\n[incomplete: not everything was searched]` }
    },
  }
}

/** Looks through one file after the other, with one effort for all of them. */
class LineSearch {
  readonly #text: string | undefined
  readonly #pattern: LinearPattern | null
  readonly #effort: Effort = { left: MAX_EFFORT }
  #bytesLeft = MAX_READ_BYTES
  /** Whether a file was too large, or had more lines than are shown. */
  leftOut = false

  constructor(text: string | undefined, regex: string | undefined) {
    this.#text = text?.toLowerCase()
    try {
      this.#pattern = regex === undefined ? null : linearPattern(regex)
    } catch (error) {
      throw new AppError('tool/invalid-input', `regex: ${error instanceof SyntaxError ? error.message : 'not understood'}`, { cause: error })
    }
  }

  get isByName(): boolean {
    return this.#text === undefined && this.#pattern === null
  }

  get isExhausted(): boolean {
    return this.#effort.left <= 0 || this.#bytesLeft <= 0
  }

  async in(file: InsideRoots, name: string, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const content = await this.#read(file).catch((error: unknown) => {
      if (error instanceof AppError) return ''
      throw error
    })
    const hits: JsonObject[] = []
    for (const [index, line] of content.split('\n').entries()) {
      signal.throwIfAborted()
      const end = this.#find(line)
      if (this.#effort.left <= 0) break
      if (end < 0) continue
      if (hits.length >= MAX_PER_FILE) {
        this.leftOut = true
        break
      }
      const from = Math.max(0, Math.min(end - SNIPPET / 2, line.length - SNIPPET))
      hits.push({
        name,
        line: index + 1,
        text: line
          .slice(from, from + SNIPPET)
          .toWellFormed()
          .trim(),
      })
    }
    return hits
  }

  #find(line: string): number {
    if (this.#pattern !== null) return this.#pattern.search(line, this.#effort)
    return line.toLowerCase().indexOf(this.#text ?? '')
  }

  /** Nothing for what is no text. */
  async #read(file: InsideRoots): Promise<string> {
    const { handle, stats } = await openChecked(file)
    try {
      if (stats.size > MAX_FILE_BYTES) {
        this.leftOut = true
        return ''
      }
      this.#bytesLeft -= stats.size
      const buffer = Buffer.alloc(stats.size)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
      const bytes = buffer.subarray(0, bytesRead)
      return bytes.includes(0) ? '' : bytes.toString('utf8')
    } finally {
      await handle.close()
    }
  }
}
