/**
 * A folder inside a root, held open while something is written in it, so that a folder or link swapped in on the way leads nowhere else. On Linux every step goes through the handle of
 * the folder above (`/proc/self/fd/N/name` is `openat`), without following links. Elsewhere the way is checked before and after: what a swap in between could gain is one name in a
 * folder of the same user.
 */
import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Place } from '../contracts/undo.ts'

const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

export class HeldFolder {
  /** The real path that it had when it was opened. */
  readonly path: string
  readonly #handle: FileHandle | null
  readonly #isByHandle: boolean

  constructor(path: string, handle: FileHandle | null, isByHandle: boolean) {
    this.path = path
    this.#handle = handle
    this.#isByHandle = isByHandle
  }

  /** A path that leads to this name in this very folder. */
  at(name: string): string {
    return join(this.#isByHandle && this.#handle !== null ? byDescriptor(this.#handle) : this.path, name)
  }

  /** What is there itself, never what a link leads to; null for nothing. */
  async look(name: string): Promise<Stats | null> {
    return await lstat(this.at(name)).catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return null
      throw unwritable(error)
    })
  }

  /** Throws when the folder is no longer where it was found. */
  async verify(): Promise<void> {
    const now = this.#isByHandle && this.#handle !== null ? await readlink(byDescriptor(this.#handle)) : await realpath(this.path).catch(() => null)
    const [held, there] = [await this.#handle?.stat(), now === null ? null : await stat(this.path).catch(() => null)]
    if (now !== this.path || there === null || (held !== undefined && (held.dev !== there.dev || held.ino !== there.ino))) {
      throw new AppError('file/unwritable', 'a folder on the way was replaced')
    }
  }

  /** So that a name in it survives a power cut; some platforms cannot. */
  async sync(): Promise<void> {
    await this.#handle?.sync().catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.#handle?.close()
  }
}

/** Opens the folder in which `place` lies; `create` makes what is missing on the way, for its owner alone. */
export async function holdParent(place: Place, create = false): Promise<{ readonly folder: HeldFolder; readonly name: string }> {
  const steps = relative(place.root, place.path).split(sep)
  const name = steps.pop() ?? ''
  if (name === '' || steps.some((step) => step === '' || step === '..')) throw new AppError('file/unwritable', 'it is one of the configured folders itself')
  return { folder: await holdFolder(place.root, steps, create), name: basename(name) }
}

async function holdFolder(root: string, steps: readonly string[], create: boolean): Promise<HeldFolder> {
  let handle = await openFolder(root)
  let path = root
  try {
    const isByHandle = handle !== null && (await leadsTo(handle))
    for (const step of steps) {
      const next = isByHandle && handle !== null ? join(byDescriptor(handle), step) : join(path, step)
      const below = await openStep(next, create)
      await handle?.close()
      handle = below
      path = join(path, step)
    }
    const folder = new HeldFolder(path, handle, isByHandle)
    await folder.verify()
    return folder
  } catch (error) {
    await handle?.close()
    throw error
  }
}

async function openStep(path: string, create: boolean): Promise<FileHandle | null> {
  try {
    return await openFolder(path)
  } catch (error) {
    if (!isCode(error instanceof AppError ? error.cause : error, 'ENOENT')) throw error
    if (!create) throw new AppError('file/not-found', 'the folder for it does not exist', { cause: error })
  }
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw unwritable(error)
  }
  return openFolder(path)
}

/** Null where the system opens no folders. */
async function openFolder(path: string): Promise<FileHandle | null> {
  if (process.platform === 'win32') {
    const stats = await lstat(path).catch((error: unknown) => Promise.reject(unwritable(error)))
    if (!stats.isDirectory()) throw new AppError('file/unwritable', `${basename(path)} is not a folder`)
    return null
  }
  return await open(path, FOLDER).catch((error: unknown) => {
    throw unwritable(error)
  })
}

/** Whether this system offers open folders by their number. */
async function leadsTo(handle: FileHandle): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const [held, found] = [await handle.stat(), await stat(byDescriptor(handle)).catch(() => null)]
  return found !== null && held.dev === found.dev && held.ino === found.ino
}

function byDescriptor(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`
}

/** Why the system refused, in words that name no path outside. */
export function unwritable(error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why: Readonly<Record<string, string>> = {
    ENOTDIR: 'a part of the path is not a folder',
    ELOOP: 'a part of the path is a link',
    EACCES: 'the system does not permit it',
    EPERM: 'the system does not permit it',
    ENAMETOOLONG: 'the name is too long',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk is full',
    EROFS: 'the file system is read-only',
    EXDEV: 'the two places lie on different file systems',
    ENOTEMPTY: 'a folder that is not empty is there',
    EINVAL: 'a folder cannot be moved into itself',
  }
  return new AppError('file/unwritable', why[code], { cause: error })
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
