/**
 * A copy of the database as it was before an upgrade, in `backups/` of the state folder: for whoever has to go back to the older program. The newest few are kept. An upgrade that was
 * interrupted goes on under the copy that it began with.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Database } from '../contracts/store.ts'
import { syncFolder } from './undo-copies.ts'

export interface UpgradeBackups {
  readonly folder: string
  /** Hears of a new one: its path. */
  readonly onMade: (file: string) => void
}

const KEPT = 3
const PART = '.part'
const NAME = /^(\d{8}T\d{6})-schema-(\d+)-to-(\d+)\.db$/

export async function backUpBeforeUpgrade(
  database: Database,
  { folder, onMade }: UpgradeBackups,
  upgrade: { readonly from: number; readonly to: number },
  now: number,
): Promise<void> {
  const { copyTo } = database
  if (copyTo === null) return
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new AppError('store/unavailable', 'it could not be copied before its upgrade', { cause: error, hint: `Check owner and mode of ${folder}` })
  }
  const files = await readdir(folder)
  for (const file of files) if (file.endsWith(PART)) await rm(join(folder, file), { force: true })
  const made = files.filter((file) => NAME.test(file)).toSorted()
  const [, , from, to] = NAME.exec(made.at(-1) ?? '') ?? []
  if (Number(to) === upgrade.to && Number(from) < upgrade.from) return
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
  const path = join(folder, `${stamp}-schema-${upgrade.from}-to-${upgrade.to}.db`)
  try {
    await copyTo(path + PART)
  } catch (error) {
    await rm(path + PART, { force: true })
    throw error
  }
  await rename(path + PART, path)
  await syncFolder(folder)
  onMade(path)
  for (const old of made.slice(0, Math.max(0, made.length + 1 - KEPT))) await rm(join(folder, old), { force: true })
}
