/** Moves what is at one place to another in one step, for the tool and for taking its moves back. */
import type { Stats } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { AppError } from '../contracts/errors.ts'
import type { Place } from '../contracts/undo.ts'
import { hashOf, openForReading, streamOf } from './file-content.ts'
import { holdParent, isCode, unwritable, type HeldFolder } from './held-folder.ts'

export interface HeldPlace {
  readonly folder: HeldFolder
  readonly name: string
}

export async function holdBoth<T>(from: Place, to: Place, work: (from: HeldPlace, to: HeldPlace) => Promise<T>, create = false): Promise<T> {
  const source = await holdParent(from, create)
  try {
    const target = await holdParent(to)
    try {
      return await work(source, target)
    } finally {
      await target.folder.close()
    }
  } finally {
    await source.folder.close()
  }
}

/** `replaces` says that what is at the new place may go: its content is kept. */
export async function move(from: HeldPlace, to: HeldPlace, known: Stats, replaces: boolean): Promise<void> {
  try {
    await Promise.all([from.folder.verify(), to.folder.verify()])
    const now = await from.folder.look(from.name)
    if (now === null || identityOf(now) !== identityOf(known)) throw new AppError('file/unwritable', 'it was replaced at the same time')
    if (replaces) await rename(from.folder.at(from.name), to.folder.at(to.name))
    else if (known.isFile()) await giveNewName(from, to)
    else {
      // Only a folder that is empty could be replaced here.
      if ((await to.folder.look(to.name)) !== null) throw new AppError('file/exists')
      await rename(from.folder.at(from.name), to.folder.at(to.name))
    }
    await Promise.all([from.folder.sync(), to.folder.sync()])
  } catch (error) {
    throw unwritable(error)
  }
}

/** Gives a file a name that must be free: unlike renaming, linking never replaces. */
export async function giveNewName(from: HeldPlace, to: HeldPlace): Promise<void> {
  const [source, target] = [from.folder.at(from.name), to.folder.at(to.name)]
  try {
    await link(source, target)
  } catch (error) {
    if (isCode(error, 'EEXIST')) throw new AppError('file/exists', undefined, { cause: error })
    // Some file systems have no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].some((code) => isCode(error, code))) throw error
    if ((await to.folder.look(to.name)) !== null) throw new AppError('file/exists', undefined, { cause: error })
    await rename(source, target)
    return
  }
  await rm(source, { force: true })
}

/** Which file or folder it is, whatever it is called. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

/** Files up to this size are known again by their content, also after they were put back; larger ones and folders by their inode. */
const MAX_HASHED = 16 * 1024 * 1024

/** What must be there for a move to be taken back unasked. */
export async function markOf({ folder, name }: HeldPlace, stats: Stats): Promise<string> {
  if (!stats.isFile() || stats.size > MAX_HASHED) return identityOf(stats)
  const there = await openForReading(folder, name, stats)
  try {
    return await hashOf(streamOf(there))
  } finally {
    await there.close()
  }
}
