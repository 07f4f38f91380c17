/**
 * Puts what was read from a backup in the place of what is there. First everything stands beside it (`restore/new`), then a plan is written, then names are changed one by one; what was there waits in
 * `restore/old` until all of it is done. Without the plan, nothing has begun; with it, the next start ends what was begun. So the state is the old one or the new one.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { AppError } from '../../contracts/errors.ts'
import { atomicWrite } from '../../std/atomic-write.ts'
import { syncFolder } from '../undo-copies.ts'
import { restorePlaces } from './restore-places.ts'

const name = z.string().check(z.regex(/^[\w.-]{1,80}$/))
const plan = z.strictObject({
  version: z.literal(1),
  /** At the top of the state folder: what gets another content, and what only goes. */
  replaced: z.array(name),
  removed: z.array(name),
  configFile: z.nullable(z.string()),
})

export interface Replacement {
  readonly replaced: readonly string[]
  readonly removed: readonly string[]
  readonly configFile: string | null
}

/** From here on it will be done, by this process or by a later one. */
export async function beginReplacing(stateDir: string, given: Replacement): Promise<void> {
  const places = restorePlaces(stateDir)
  await mkdir(places.old, { mode: 0o700 })
  await syncFolder(places.fresh)
  await syncFolder(places.folder)
  await atomicWrite(places.plan, JSON.stringify({ version: 1, ...given }))
}

/** Ends what was begun, and removes what a reading that did not get so far left. Whoever calls it holds the state folder. */
export async function finishReplacing(stateDir: string, onStep: () => void = () => undefined): Promise<boolean> {
  const places = restorePlaces(stateDir)
  if (!existsSync(places.folder)) return false
  const isBegun = existsSync(places.plan)
  if (isBegun) {
    const { replaced, removed, configFile } = await readPlan(places.plan)
    const setAside = async (target: string, old: string) => {
      if (!existsSync(target) || existsSync(old)) return
      await rename(target, old)
      onStep()
    }
    for (const each of replaced) {
      const [target, fresh] = [join(stateDir, each), join(places.fresh, each)]
      // It stands in its place already.
      if (!existsSync(fresh)) continue
      await setAside(target, join(places.old, each))
      await rename(fresh, target)
      onStep()
    }
    for (const each of removed) await setAside(join(stateDir, each), join(places.old, each))
    if (configFile !== null) await atomicWrite(configFile, await readFile(places.config))
    onStep()
    await syncFolder(stateDir)
    await rm(places.plan)
    await syncFolder(places.folder)
    onStep()
  }
  await rm(places.folder, { recursive: true, force: true })
  return isBegun
}

async function readPlan(path: string): Promise<Replacement> {
  try {
    return plan.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new AppError('state/unwritable', `${path} is damaged`, { cause: error, hint: 'What was there before lies beside it, in old/' })
  }
}
