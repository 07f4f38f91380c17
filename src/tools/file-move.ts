import type { Stats } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'
import type { KeptCopy, Place, UndoLog, UndoneCall } from '../contracts/undo.ts'
import { contains, type InsideRoots } from '../std/inside-roots.ts'
import type { OneAtATime } from '../std/one-at-a-time.ts'
import { assertPlainNames, isExcluded, isProtected, locatePlace, type FileAccess } from './file-access.ts'
import { rm } from 'node:fs/promises'
import { streamOf } from './file-content.ts'
import { holdBoth, identityOf, markOf, move, type HeldPlace } from './move-file.ts'
import { openForChange } from './replace-file.ts'

const path = z.string().min(1).max(4096)
const input = z.strictObject({ source: path, destination: path, overwrite: z.boolean().default(false) })
/** What a folder may hold to be looked through before it is moved. */
const MAX_INSIDE = 10_000

export function fileMove(access: FileAccess, undo: UndoLog, inTurn: OneAtATime): Tool<z.infer<typeof input>> {
  return {
    name: 'file_move',
    description: 'Move or rename a file or folder to a path in the configured folders.',
    input,
    manifest: {
      effect: 'write',
      effectWithoutDestination: 'write',
      recovery: 'probe',
      destinations: [],
      targets: [],
      content: [],
      paths: ['source', 'destination'],
      consent: 'judged',
      returns: { trust: 'trusted', private: false, curated: false, records: false },
    },
    async probe({ source, destination }, call) {
      const step = await undo.find(call)
      if (step?.change.kind !== 'move') return 'not'
      if (step.undoneAt !== null) return 'happened'
      const { change } = step
      const [from, to] = [await locatePlace(source, access), await locatePlace(destination, access)]
      if (from.path !== change.from.path || to.path !== change.to.path) return 'unknown'
      return inTurn(() => holdBoth(placeOf(from), placeOf(to), (start, end) => whereIs(change.after, start, end)))
    },
    async run({ source, destination, overwrite }, call, signal) {
      signal.throwIfAborted()
      return inTurn(async () => {
        const from = await locatePlace(source, access)
        const to = await locatePlace(destination, access)
        assertPlainNames(to)
        if (from.exists) await assertMovable(from, to, access, signal)
        return { output: await carryOut(from, to, overwrite, call, undo, signal) }
      })
    },
  }
}

/** What was to be moved, known by its mark. */
async function whereIs(mark: string, source: HeldPlace, target: HeldPlace): Promise<'happened' | 'not' | 'unknown'> {
  const [left, there] = [await source.folder.look(source.name), await target.folder.look(target.name)]
  const isThere = there !== null && (await markOf(target, there)) === mark
  const isLeft = left !== null && (await markOf(source, left)) === mark
  // A crash may leave both names of one file: moving it again takes the old one away.
  if (isThere) return isLeft && identityOf(left) === identityOf(there) ? 'not' : 'happened'
  return isLeft ? 'not' : 'unknown'
}

async function carryOut(from: Place, to: Place, overwrite: boolean, call: UndoneCall, undo: UndoLog, signal: AbortSignal): Promise<string> {
  const [start, end] = [placeOf(from), placeOf(to)]
  return holdBoth(start, end, async (source, target) => {
    const [moved, there] = [await source.folder.look(source.name), await target.folder.look(target.name)]
    const earlier = await undo.find(call)
    if (there !== null && earlier?.change.kind === 'move' && earlier.undoneAt === null && earlier.change.after === (await markOf(target, there))) {
      if (moved === null) return 'Moved'
      if (identityOf(moved) === identityOf(there)) {
        // A crash had left both names.
        await rm(source.folder.at(source.name), { force: true })
        return 'Moved'
      }
    }
    if (moved === null) throw new AppError('file/not-found')
    assertOwn(moved)
    if (there !== null && !overwrite) throw new AppError('file/exists')
    if (there !== null && !moved.isFile()) throw new AppError('file/exists', 'a folder replaces nothing')
    const before = there === null ? null : await copyOf(target, undo)
    let isKept = false
    try {
      signal.throwIfAborted()
      const summary = `moved ${start.path} to ${end.path}${before === null ? '' : ', replacing what was there'}`
      await undo.keep(call, summary, { kind: 'move', from: start, to: end, before, after: await markOf(source, moved) })
      isKept = true
      await move(source, target, moved, before !== null)
    } finally {
      if (before !== null && !isKept) await undo.discard(before)
    }
    return 'Moved'
  })
}

async function copyOf({ folder, name }: HeldPlace, undo: UndoLog): Promise<KeptCopy | null> {
  const there = await openForChange(folder, name)
  if (there === null) return null
  try {
    return await undo.copy(streamOf(there.handle), there.stats.mode & 0o777)
  } finally {
    await there.handle.close()
  }
}

/** A folder takes all that it holds along: nothing excluded may be in it, and nothing in it may come to be where it would be excluded. */
async function assertMovable(from: InsideRoots, to: InsideRoots, access: FileAccess, signal: AbortSignal): Promise<void> {
  if ((await isProtected(from.path, access, 'around')) || (await isProtected(to.path, access, 'around')))
    throw new AppError('file/outside-roots', 'it belongs to carapace itself')
  if (access.roots.some((root) => contains(from.path, root))) throw new AppError('file/unwritable', 'it is one of the configured folders itself, or holds one')
  if (from.path !== to.path && contains(from.path, to.path)) throw new AppError('file/unwritable', 'a folder cannot be moved into itself')
  let seen = 0
  const look = async (path: string): Promise<void> => {
    const folder = await opendir(path).catch(() => null)
    if (folder === null) return
    for await (const entry of folder) {
      signal.throwIfAborted()
      if (++seen > MAX_INSIDE) throw new AppError('file/unwritable', `the folder holds more than ${MAX_INSIDE} entries`)
      const at = join(path, entry.name)
      const later = join(to.path, relative(from.path, at))
      if (isExcluded({ path: at, root: from.root }, access) || isExcluded({ path: later, root: to.root }, access)) {
        throw new AppError('file/outside-roots', 'it holds what the owner has excluded')
      }
      if (entry.isDirectory()) await look(at)
    }
  }
  await look(from.path)
}

function assertOwn(stats: Stats): void {
  if (!stats.isFile() && !stats.isDirectory()) throw new AppError('file/unwritable', 'it is neither a file nor a folder')
  if (process.getuid !== undefined && stats.uid !== process.getuid()) throw new AppError('file/unwritable', 'it belongs to another user')
}

function placeOf({ root, path }: Place): Place {
  return { root, path }
}
