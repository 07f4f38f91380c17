/** A backup that was read, beside the state folder's own content, on the same disk, in the form in which it takes its place. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CONFIG, DATABASE, type Manifest } from './manifest.ts'
import { readBackup } from './read-backup.ts'
import { restorePlaces } from './restore-places.ts'

export interface Staged {
  readonly manifest: Manifest
  /** What becomes the state folder. */
  readonly folder: string
  readonly database: string
  readonly undo: string
  readonly configFile: string
  has(path: string): boolean
  /** Names at the top of the state folder that get another content. */
  comes(): Promise<readonly string[]>
  /** Names there that only go: they belong to what is replaced. */
  goes(more: (name: string) => boolean): Promise<readonly string[]>
  leaveOut(name: string): Promise<void>
  /** After the database was looked at. */
  tidy(): Promise<void>
  remove(): Promise<void>
}

/** `apart`: only to be looked at, beside a gateway that runs. */
export async function stageBackup(stateDir: string, file: string, password: () => Promise<string>, { apart }: { readonly apart: boolean }): Promise<Staged> {
  const places = restorePlaces(stateDir)
  const root = apart ? await mkdtemp(join(stateDir, 'backup-')) : places.folder
  if (!apart) await mkdir(root, { mode: 0o700 })
  const remove = () => rm(root, { recursive: true, force: true })
  const [members, folder, configFile] = [join(root, 'members'), join(root, 'new'), join(root, 'config.json5')]
  try {
    await mkdir(members, { mode: 0o700 })
    const manifest = await readBackup(file, members, password)
    const paths = new Set(manifest.members.map(({ path }) => path))
    if (existsSync(join(members, 'state'))) await rename(join(members, 'state'), folder)
    else await mkdir(folder, { mode: 0o700 })
    const database = join(folder, 'carapace.db')
    if (paths.has(DATABASE)) await rename(join(members, DATABASE), database)
    if (paths.has(CONFIG)) await rename(join(members, CONFIG), configFile)
    const besides = (name: string) => [`${name}-wal`, `${name}-shm`]
    const comes = () => readdir(folder)
    return {
      manifest,
      folder,
      database,
      undo: join(folder, 'undo'),
      configFile,
      has: (path) => paths.has(path),
      comes,
      async goes(more) {
        const fresh = new Set(await comes())
        const bound = paths.has(DATABASE) ? [...besides('carapace.db'), 'undo'] : []
        return (await readdir(stateDir)).filter((name) => (bound.includes(name) || more(name)) && !fresh.has(name))
      },
      leaveOut: (name) => rm(join(folder, name), { recursive: true, force: true }),
      async tidy() {
        for (const name of besides(database)) await rm(name, { force: true })
      },
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

export const isThere = (...paths: readonly string[]) => paths.some((path) => existsSync(path))
