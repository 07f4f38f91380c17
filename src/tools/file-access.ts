/** What file tools may touch: the roots, without what the owner excluded. */
import { constants, type Stats } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { matchesGlob, relative, sep } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { contains, findInsideRoots, type InsideRoots } from '../std/inside-roots.ts'

export interface FileAccess {
  readonly roots: readonly string[]
  readonly excludePatterns: readonly string[]
  readonly maxReadBytes: number
}

/** Finds what exists under a root and is not excluded. Throws `file/outside-roots` and `file/not-found`. */
export async function locate(path: string, access: FileAccess): Promise<InsideRoots> {
  const found = await findInsideRoots(path, access.roots)
  if (found === null) {
    const hint = access.roots.length === 0 ? 'The owner has configured no folder (filesystem.roots)' : `Folders: ${access.roots.join(', ')}`
    throw new AppError('file/outside-roots', undefined, { hint })
  }
  if (isExcluded(found, access)) throw new AppError('file/outside-roots', 'the owner has excluded it')
  if (!found.exists) throw new AppError('file/not-found')
  return found
}

/** Whether a pattern covers the path or a folder on the way to it. Case is ignored: some file systems do. */
export function isExcluded({ path, root }: Pick<InsideRoots, 'path' | 'root'>, { excludePatterns }: FileAccess): boolean {
  const steps = relative(root, path).toLowerCase().split(sep)
  return steps.some((_step, index) => {
    const way = steps.slice(0, index + 1).join('/')
    return way !== '' && excludePatterns.some((pattern) => matches(way, pattern.toLowerCase()))
  })
}

/** `dir/**` covers `dir` itself too. */
function matches(way: string, pattern: string): boolean {
  return matchesGlob(way, pattern) || (pattern.endsWith('/**') && matchesGlob(way, pattern.slice(0, -3)))
}

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
