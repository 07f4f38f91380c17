/** What file tools may touch: the roots, without what the owner excluded. */
import { constants, type Stats } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { contains, findInsideRoots, type InsideRoots } from '../std/inside-roots.ts'
import { isExcludedBelow } from './exclusion.ts'

export interface FileAccess {
  readonly roots: readonly string[]
  readonly excludePatterns: readonly string[]
  readonly maxReadBytes: number
  /** Whether tools may write at all. */
  readonly writeAccess: boolean
  /** Files and folders of carapace itself, absolute: no tool reads or writes them, whatever the roots are. */
  readonly protectedPaths: readonly string[]
}

/** Finds what exists under a root and is not excluded. Throws `file/outside-roots` and `file/not-found`. */
export async function locate(path: string, access: FileAccess): Promise<InsideRoots> {
  const found = await locatePlace(path, access)
  if (!found.exists) throw new AppError('file/not-found')
  return found
}

/** The same for a place where something may be or come to be. */
export async function locatePlace(path: string, access: FileAccess): Promise<InsideRoots> {
  const found = await findInsideRoots(path, access.roots)
  if (found === null) {
    const hint = access.roots.length === 0 ? 'The owner has configured no folder (filesystem.roots)' : `Folders: ${access.roots.join(', ')}`
    throw new AppError('file/outside-roots', undefined, { hint })
  }
  if (isExcluded(found, access)) throw new AppError('file/outside-roots', 'the owner has excluded it')
  if (await isProtected(found.path, access)) throw new AppError('file/outside-roots', 'it belongs to carapace itself')
  return found
}

export function isExcluded({ path, root }: Pick<InsideRoots, 'path' | 'root'>, { excludePatterns }: FileAccess): boolean {
  return isExcludedBelow(root, path, excludePatterns)
}

/** Also true of what does not exist yet. `around`: whether it is, or lies around, such a place. */
export async function isProtected(path: string, { protectedPaths }: FileAccess, around: 'inside' | 'around' = 'inside'): Promise<boolean> {
  const wanted = path.toLowerCase()
  for (const each of protectedPaths) {
    const real = (await realpath(each).catch(() => each)).toLowerCase()
    if (contains(real, wanted) || (around === 'around' && contains(wanted, real))) return true
  }
  return false
}

/** Names that would look or count as others somewhere are not made. */
export function assertPlainNames({ path, root }: Pick<InsideRoots, 'path' | 'root'>): void {
  const names = relative(root, path).split(sep)
  if (names.length > MAX_STEPS) throw new AppError('file/unwritable', 'it lies too deep')
  if (names.some((name) => ODD_NAME.test(name) || (process.platform === 'win32' && name.includes(':')))) {
    throw new AppError('file/unwritable', 'the name holds characters that cannot be seen, or ends with a dot or space')
  }
}
const MAX_STEPS = 64
const ODD_NAME = /[\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]|[\s.]$/u

/**
 * Opens a regular file, and makes sure that what was opened is what was checked: a link or a folder swapped in between is refused. The caller closes it.
 */
export async function openChecked(found: InsideRoots): Promise<{ readonly handle: FileHandle; readonly stats: Stats }> {
  // O_NONBLOCK: a pipe must not keep us waiting.
  const handle = await open(found.path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw new AppError('file/unreadable', undefined, { cause: error })
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new AppError('file/unreadable', 'it is not a regular file')
    const path = await realpath(found.path)
    const now = await stat(path)
    if (!contains(found.root, path) || now.dev !== stats.dev || now.ino !== stats.ino)
      throw new AppError('file/unreadable', 'it was replaced while being opened')
    return { handle, stats }
  } catch (error) {
    await handle.close()
    throw error instanceof AppError ? error : new AppError('file/unreadable', undefined, { cause: error })
  }
}
