/** A small private file that is made exactly once, whoever comes first: all get what the first wrote, and nobody ever sees a part of it. */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, copyFileSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../contracts/errors.ts'

const MAX_BYTES = 65_536

/** Reads it, or makes it from `content`. */
export function createOnce(path: string, content: () => string | Uint8Array): Buffer {
  return readPrivate(path) ?? make(path, content())
}

/** Null where there is none. Throws `secrets/sealed` when other users could have read or replaced it. */
export function readPrivate(path: string): Buffer | null {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new AppError('secrets/sealed', `${path} cannot be read`, { cause: error })
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile() || stats.size > MAX_BYTES) throw new AppError('secrets/sealed', `${path} is not a file of ours`)
    const user = process.getuid?.()
    if (user !== undefined && stats.uid !== user) throw new AppError('secrets/sealed', `${path} belongs to another user`)
    if (user !== undefined && (stats.mode & 0o077) !== 0) {
      throw new AppError('secrets/sealed', `other users may read ${path}`, { hint: `chmod 600 '${path}', and replace what it protects if they have` })
    }
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function make(path: string, content: string | Uint8Array): Buffer {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeDurably(temporary, Buffer.from(content))
    publish(temporary, path)
  } catch (error) {
    throw new AppError('state/unwritable', path, { cause: error })
  } finally {
    rmSync(temporary, { force: true })
  }
  const made = readPrivate(path)
  if (made === null) throw new AppError('state/unwritable', path)
  return made
}

function writeDurably(path: string, content: Buffer): void {
  const descriptor = openSync(path, 'wx', 0o600)
  try {
    for (let written = 0; written < content.length;) written += writeSync(descriptor, content, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A link, unlike a rename, fails where somebody was faster. */
function publish(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EEXIST') return
    if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP' && code !== 'ENOTSUP') throw error
    // A file system without links: as good as it gets there.
    copyFileSync(temporary, path, constants.COPYFILE_EXCL)
  }
}
