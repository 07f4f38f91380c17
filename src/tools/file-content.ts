/** Reads what lies in a folder that is held open. */
import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../contracts/errors.ts'
import { unwritable, type HeldFolder } from './held-folder.ts'

// O_NONBLOCK: a pipe must not keep us waiting.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Opens the regular file that was seen there, or throws. The caller closes it. */
export async function openForReading(folder: HeldFolder, name: string, seen: Stats): Promise<FileHandle> {
  const handle = await open(folder.at(name), READ).catch((error: unknown) => {
    throw unwritable(error)
  })
  const stats = await handle.stat()
  if (stats.isFile() && stats.dev === seen.dev && stats.ino === seen.ino) return handle
  await handle.close()
  throw new AppError('file/unwritable', 'it was replaced while being opened')
}

/** Hex SHA-256 of all of it. */
export async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of content) hash.update(piece)
  return hash.digest('hex')
}

export function streamOf(handle: FileHandle): AsyncIterable<Uint8Array> {
  return handle.createReadStream({ autoClose: false, start: 0, highWaterMark: 256 * 1024 })
}
