/** A disk of a few megabytes (a tmpfs), which can be filled and made read-only. Only an administrator can have one. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly folder: string
  /** Leaves so many bytes. */
  readonly fill: (leave?: number) => void
  readonly empty: () => void
  readonly readOnly: (isOn: boolean) => void
  readonly remove: () => void
}

function mount(...args: readonly string[]): string | null {
  const done = spawnSync('mount', args, { encoding: 'utf8' })
  return done.status === 0 ? null : done.stderr || String(done.error ?? 'mount failed')
}

/** Null when there can be one, else why not. */
export function smallDiskMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root may mount a disk'
  const folder = mkdtempSync(join(tmpdir(), 'carapace-disk-'))
  const why = mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)
  if (why === null) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return why
}

export function smallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-disk-'))
  const why = mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder)
  if (why !== null) throw new Error(why)
  const filler = join(folder, 'filler')
  return {
    folder,
    fill(leave = 0) {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - leave)))
    },
    empty: () => rmSync(filler, { force: true }),
    readOnly(isOn) {
      const failed = mount('-o', `remount,${isOn ? 'ro' : 'rw'}`, folder)
      if (failed !== null) throw new Error(failed)
    },
    remove() {
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
