import * as z from 'zod'
import type { OneAtATime } from '../std/one-at-a-time.ts'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'
import type { KeptCopy, Place, UndoLog, UndoneCall } from '../contracts/undo.ts'
import { assertPlainNames, locatePlace, type FileAccess } from './file-access.ts'
import { hashOf, streamOf } from './file-content.ts'
import { holdParent } from './held-folder.ts'
import { openForChange, replaceFile } from './replace-file.ts'

const MAX_BYTES = 1024 * 1024
const input = z.strictObject({
  path: z.string().min(1).max(4096),
  content: z.string().refine((text) => Buffer.byteLength(text) <= MAX_BYTES, 'at most 1 MiB'),
  mode: z.enum(['overwrite', 'append', 'create']).default('overwrite'),
  createParents: z.boolean().default(false),
})
type Input = z.infer<typeof input>

export function fileWrite(access: FileAccess, undo: UndoLog, inTurn: OneAtATime): Tool<Input> {
  return {
    name: 'file_write',
    description: 'Write a text file in the configured folders; mode create refuses what exists.',
    input,
    manifest: {
      effect: 'write',
      effectWithoutDestination: 'write',
      recovery: 'probe',
      destinations: [],
      targets: [],
      content: ['content'],
      paths: ['path'],
      consent: 'judged',
      returns: { trust: 'trusted', private: false, curated: false, records: false },
    },
    async probe({ path }, call) {
      const step = await undo.find(call)
      if (step?.change.kind !== 'file') return 'not'
      if (step.undoneAt !== null) return 'happened'
      const { root, path: real } = await locatePlace(path, access)
      if (real !== step.change.place.path) return 'unknown'
      const now = await inTurn(() => hashAt({ root, path: real }))
      if (now === step.change.after) return 'happened'
      return now === (step.change.before?.hash ?? null) ? 'not' : 'unknown'
    },
    async run(given, call, signal) {
      signal.throwIfAborted()
      return inTurn(async () => {
        const found = await locatePlace(given.path, access)
        assertPlainNames(found)
        return { output: await write({ root: found.root, path: found.path }, given, call, undo, signal) }
      })
    },
  }
}

/** Null where nothing is. */
async function hashAt(place: Place): Promise<string | null> {
  const { folder, name } = await holdParent(place)
  try {
    const there = await openForChange(folder, name)
    if (there === null) return null
    try {
      return await hashOf(streamOf(there.handle))
    } finally {
      await there.handle.close()
    }
  } finally {
    await folder.close()
  }
}

async function write(place: Place, { content, mode, createParents }: Input, call: UndoneCall, undo: UndoLog, signal: AbortSignal): Promise<string> {
  const bytes = Buffer.from(content)
  const { folder, name } = await holdParent(place, createParents)
  const there = await openForChange(folder, name).catch(async (error: unknown) => {
    await folder.close()
    throw error
  })
  let before: KeptCopy | null = null
  let isKept = false
  try {
    // After a crash this very call may have been carried out already.
    const earlier = await undo.find(call)
    if (there !== null && earlier?.change.kind === 'file' && earlier.undoneAt === null && (await hashOf(streamOf(there.handle))) === earlier.change.after)
      return 'Saved'
    if (there !== null && mode === 'create') throw new AppError('file/exists')
    if (there !== null) before = await undo.copy(streamOf(there.handle), there.stats.mode & 0o777)
    // Out of the copy, not read again: what is kept and what is appended to are the same.
    const kept = before
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      if (mode === 'append' && kept !== null) yield* undo.read(kept)
      yield bytes
    }
    const after = await hashOf(pieces())
    if (after === before?.hash) return 'Saved: it held just this already'
    signal.throwIfAborted()
    const what = there === null ? 'new file' : mode === 'append' ? 'appended to' : 'replaced'
    await replaceFile(folder, name, {
      content: pieces(),
      known: there?.stats ?? null,
      mode: there === null ? 0o600 : there.stats.mode,
      ready: async () => {
        await undo.keep(call, `${what} ${place.path} (${bytes.length} bytes)`, { kind: 'file', place, before, after })
        isKept = true
      },
    })
    return 'Saved'
  } finally {
    if (before !== null && !isKept) await undo.discard(before)
    await there?.handle.close()
    await folder.close()
  }
}
