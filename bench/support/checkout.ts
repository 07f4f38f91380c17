/**
 * A copy of the checkout to measure: what is edited, or built anew, meanwhile does not change a run. The copy is what `./cara` starts from, with the compile cache
 * warm, as it is from the second start on.
 */
import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, rm, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const source = dirname(dirname(import.meta.dirname))
const COPIED = ['cara', 'src', 'assets', 'package.json', 'package-lock.json', 'scripts']

export interface Checkout {
  /** The launcher. */
  readonly cara: string
  readonly node: string
  /** A new empty folder, gone with the copy. */
  readonly folder: () => Promise<string>
  /** All that a started program sees of the environment. */
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => Promise<void>
}

export async function copyCheckout(): Promise<Checkout> {
  await promisify(execFile)(join(source, 'cara'), ['--version'])
  const place = await mkdtemp(join(tmpdir(), 'carapace-bench-'))
  const root = join(place, 'checkout')
  const dist = join(root, 'dist')
  await mkdir(dist, { recursive: true })
  // The entry first: the chunks that it names exist before it does, and stay.
  await copyFile(join(source, 'dist', 'main.js'), join(dist, 'main.js'))
  await cp(join(source, 'dist'), dist, { recursive: true, force: false })
  for (const name of COPIED) await cp(join(source, name), join(root, name), { recursive: true, preserveTimestamps: true })
  await symlink(join(source, 'node_modules'), join(root, 'node_modules'))
  await utimes(join(dist, '.stamp'), new Date(), new Date())
  let folders = 0
  return {
    cara: join(root, 'cara'),
    node: process.execPath,
    async folder() {
      const path = join(place, String(++folders))
      await mkdir(path, { mode: 0o700 })
      return path
    },
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: place, NODE_COMPILE_CACHE: join(place, 'compile-cache') },
    remove: () => rm(place, { recursive: true, force: true }),
  }
}
