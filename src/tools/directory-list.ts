import type { Dirent } from 'node:fs'
import { matchesGlob } from 'node:path'
import * as z from 'zod'
import type { JsonObject } from '../contracts/json.ts'
import type { Tool } from '../contracts/tool.ts'
import { locate, type FileAccess } from './file-access.ts'
import { listing } from './listing.ts'
import { Walk } from './walk.ts'
import { reading } from './reading.ts'

const input = z.strictObject({
  path: z.string().min(1).max(4096),
  glob: z.string().min(1).max(256).optional().describe('Such as **/*.md'),
})
const MAX_LISTED = 500
const MAX_DEPTH = 16

export function directoryList(access: FileAccess): Tool<z.infer<typeof input>> {
  return {
    name: 'directory_list',
    description: 'List a folder; with a glob, search below it.',
    input,
    manifest: reading({ trust: 'untrusted', private: true, curated: false, records: false }, ['path']),
    async run({ path, glob }, _call, signal) {
      signal.throwIfAborted()
      const found = await locate(path, access)
      const walk = new Walk(found, glob?.includes('/') === true ? MAX_DEPTH : 1, access, signal)
      const listed: Listed[] = []
      for await (const { entry, name } of walk.entries()) {
        if (glob !== undefined && !matchesGlob(name, glob)) continue
        if (listed.length >= MAX_LISTED) {
          walk.isComplete = false
          break
        }
        listed.push({ name, type: typeOf(entry) })
      }
      const output = listing(listed.sort(byName), 'Nothing is here')
      return { output: walk.isComplete ? output : `${output}\n[incomplete: too much is here]` }
    },
  }
}

interface Listed extends JsonObject {
  readonly name: string
  readonly type: string
}

const byName = (a: Listed, b: Listed) => (a.name < b.name ? -1 : 1)

function typeOf(entry: Dirent): string {
  return entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other'
}
