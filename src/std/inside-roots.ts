/**
 * Where a path really leads, links resolved, if that is inside one of the roots. A relative path is looked for in each root in turn. Only `null` is said of
 * everything outside: not even whether it exists.
 */
import { lstat, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path'

const MAX_LENGTH = 4096

/** The real path; where nothing exists yet, the place where it would be. */
export async function resolveInsideRoots(path: string, roots: readonly string[]): Promise<string | null> {
  return (await findInsideRoots(path, roots))?.path ?? null
}

export interface InsideRoots {
  readonly path: string
  /** The real path of the root it lies in. */
  readonly root: string
  readonly exists: boolean
}

export async function findInsideRoots(path: string, roots: readonly string[]): Promise<InsideRoots | null> {
  if (path === '' || path.length > MAX_LENGTH || path.includes('\0')) return null
  const realRoots = await Promise.all(roots.filter((root) => isAbsolute(root)).map(async (root) => ({ root, real: await realpath(root).catch(() => null) })))
  let missing: InsideRoots | null = null
  for (const { root, real } of realRoots) {
    if (real === null) continue
    const wanted = isAbsolute(path) ? normalize(path) : resolve(real, path)
    // Lexically outside: the file system is not asked about it.
    if (!contains(root, wanted) && !contains(real, wanted)) continue
    const found = await realPathOf(wanted)
    // A link may lead from one root into another.
    const home = realRoots.find((each) => each.real !== null && found !== null && contains(each.real, found.path))
    if (found === null || home === undefined || home.real === null) continue
    if (found.exists) return { path: found.path, root: home.real, exists: true }
    missing ??= { path: found.path, root: home.real, exists: false }
  }
  return missing
}

/** Whether `path` is `folder` or lies in it; both absolute and normalised. */
export function contains(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

/** The deepest part that exists, resolved, with the rest put behind it. Null when that cannot be found out. */
async function realPathOf(path: string): Promise<{ readonly path: string; readonly exists: boolean } | null> {
  const rest: string[] = []
  for (let at = path; ; at = dirname(at)) {
    try {
      const real = await realpath(at)
      return { path: join(real, ...rest), exists: rest.length === 0 }
    } catch (error) {
      // A link to nowhere exists, and where it leads is not known.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || (await isLink(at))) return null
    }
    if (dirname(at) === at) return null
    rest.unshift(at.slice(dirname(at).length).replace(/^[\\/]/, ''))
  }
}

async function isLink(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  )
}
