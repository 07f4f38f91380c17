/** Identity and hash of a regular file, from one open descriptor: what is hashed is what was looked at. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { AppError } from '../../contracts/errors.ts'

export interface HashedFile {
  /** Device and number: another file at the same path has another one. */
  readonly inode: string
  readonly bytes: number
  readonly sha256: string
}

const MAX_BYTES = 512 * 1024 * 1024
const MAX_KNOWN = 256
/** By identity, size and times in nanoseconds. Only root can set the time of the last change of an inode, so that what is known of programs of the system need not be read again. */
const known = new Map<string, string>()

export async function hashFile(path: string, mayRemember: boolean, signal: AbortSignal): Promise<HashedFile> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw new AppError('file/unreadable', undefined, { cause: error })
  })
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw new AppError('file/unreadable', 'it is not a regular file')
    if (stats.size > MAX_BYTES) throw new AppError('file/unreadable', 'it is larger than 512 MiB, and would not be bound to what was asked')
    const inode = `${stats.dev}:${stats.ino}`
    const key = `${inode}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
    const before = mayRemember ? known.get(key) : undefined
    if (before !== undefined) return { inode, bytes: Number(stats.size), sha256: before }
    const hash = createHash('sha256')
    for await (const chunk of handle.createReadStream({ autoClose: false, start: 0, signal })) hash.update(chunk)
    const sha256 = hash.digest('hex')
    if (mayRemember) remember(key, sha256)
    return { inode, bytes: Number(stats.size), sha256 }
  } finally {
    await handle.close()
  }
}

function remember(key: string, sha256: string): void {
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(key, sha256)
}
