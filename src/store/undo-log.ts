/**
 * Keeps what writes replace, before they write: a row in the database, and for files a copy in the state folder, both flushed. Bounded in bytes, age and number; the oldest goes first. A copy
 * that no row speaks of (a crash between the two) is removed by the next process.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Texts } from '../contracts/store.ts'
import type { UndoLog, UndoStore } from '../contracts/undo.ts'
import { newId } from '../std/ids.ts'
import { bytesOf, copyFile, copyName, readSealed, syncFolder, writeCopy } from './undo-copies.ts'

export interface UndoLimits {
  readonly maxBytes: number
  readonly keepDays: number
}

const MAX_STEPS = 10_000
const DAY_MS = 86_400_000

export function createUndoLog(store: UndoStore, texts: Texts, folder: string, limits: UndoLimits, now: () => number): UndoLog {
  const pathOf = (name: string) => join(folder, copyFile(name, texts.isSealed))
  let totals: Promise<{ steps: number; bytes: number }> | null = null
  let prunedAt = 0
  // Copies that are being made: the sweep of leftovers must not take them.
  const fresh = new Set<string>()

  async function sweep() {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const known = new Set(await store.copies())
    for (const file of await readdir(folder)) {
      const name = copyName(file)
      if (!known.has(name) && !fresh.has(name)) await rm(join(folder, file), { force: true })
    }
    return { ...(await store.totals()) }
  }
  // Not at the start of the gateway: most have nothing to keep.
  const ready = () => {
    totals ??= sweep().catch((error: unknown) => {
      totals = null
      throw error
    })
    return totals
  }

  async function prune(): Promise<void> {
    const at = now()
    const sums = await ready()
    if (sums.steps <= MAX_STEPS && sums.bytes <= limits.maxBytes && at - prunedAt < DAY_MS / 24) return
    prunedAt = at
    for (const name of await store.prune({ since: at - limits.keepDays * DAY_MS, maxSteps: MAX_STEPS, maxBytes: limits.maxBytes })) {
      await rm(pathOf(name), { force: true })
    }
    Object.assign(sums, await store.totals())
  }

  return {
    async copy(content, mode) {
      await ready()
      const name = newId('copy', now())
      fresh.add(name)
      const hash = createHash('sha256')
      let bytes = 0
      try {
        const file = await open(pathOf(name), 'wx', 0o600)
        try {
          await writeCopy(file, name, content, texts.isSealed ? texts : null, (piece) => {
            bytes += piece.length
            if (bytes > limits.maxBytes) throw new AppError('undo/too-large', undefined, { hint: 'The owner can allow more: cara config set undo.maxBytes' })
            hash.update(piece)
          })
        } finally {
          await file.close()
        }
        await syncFolder(folder)
      } catch (error) {
        await rm(pathOf(name), { force: true })
        fresh.delete(name)
        throw error
      }
      return { name, hash: hash.digest('hex'), bytes, mode }
    },
    async discard({ name }) {
      await rm(pathOf(name), { force: true })
      fresh.delete(name)
    },
    read: ({ name }) => (texts.isSealed ? readSealed(pathOf(name), name, texts) : bytesOf(pathOf(name))),
    async keep(call, summary, change) {
      const sums = await ready()
      await store.add(call, { id: newId('undo', now()), summary, change, at: now() })
      const copy = change.kind === 'file' || change.kind === 'move' ? change.before : null
      sums.steps++
      sums.bytes += (copy?.bytes ?? 0) + JSON.stringify(change).length
      if (copy !== null) fresh.delete(copy.name)
      await prune()
    },
    find: (call) => store.find(call),
    forgetOld: prune,
  }
}
