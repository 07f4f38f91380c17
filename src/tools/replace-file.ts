/** Puts a file in the place of another, or of nothing, in one step: a crash leaves the old or the new content. What was there is never written into, so a second name of it elsewhere keeps its content. */
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { AppError } from '../contracts/errors.ts'
import { openForReading } from './file-content.ts'
import { unwritable, type HeldFolder } from './held-folder.ts'
import { giveNewName } from './move-file.ts'

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/** A regular file of the owner's that may be changed; null where nothing is. Throws for everything else. The caller closes it. */
export async function openForChange(folder: HeldFolder, name: string): Promise<{ readonly handle: FileHandle; readonly stats: Stats } | null> {
  const there = await folder.look(name)
  if (there === null) return null
  if (!there.isFile()) throw new AppError('file/unwritable', there.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  if (process.getuid !== undefined && there.uid !== process.getuid()) throw new AppError('file/unwritable', 'it belongs to another user')
  if ((there.mode & 0o222) === 0) throw new AppError('file/unwritable', 'it is read-only')
  const handle = await openForReading(folder, name, there)
  return { handle, stats: await handle.stat() }
}

export interface Replacement {
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** What is there now, as it was opened; null: nothing may be there. */
  readonly known: Stats | null
  readonly mode: number
  /** The new content is on the disk under another name; what this throws prevents the write. */
  readonly ready: () => Promise<void>
}

/** Throws `file/exists` where something came to be in between, `file/unwritable` where it was changed. */
export async function replaceFile(folder: HeldFolder, name: string, { content, known, mode, ready }: Replacement): Promise<void> {
  const temporary = `.${randomBytes(8).toString('hex')}.carapace-new`
  try {
    const file = await open(folder.at(temporary), NEW_FILE, 0o600)
    try {
      for await (const piece of content) await file.writeFile(piece)
      // Never more than reading, writing, running: a program that runs as its owner does not get there.
      if (mode !== 0o600) await file.chmod(mode & 0o777)
      await file.sync()
    } finally {
      await file.close()
    }
    await ready()
    await folder.verify()
    if (known === null) await giveNewName({ folder, name: temporary }, { folder, name })
    else {
      const now = await folder.look(name)
      if (now === null || now.ino !== known.ino || now.dev !== known.dev || now.mtimeMs !== known.mtimeMs || now.size !== known.size) {
        throw new AppError('file/unwritable', 'somebody else changed it at the same time')
      }
      await rename(folder.at(temporary), folder.at(name))
    }
    await folder.sync()
  } catch (error) {
    throw unwritable(error)
  } finally {
    await rm(folder.at(temporary), { force: true })
  }
}
