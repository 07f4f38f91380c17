/** Tests of the sandbox want bubblewrap; where it is missing and we may, it is installed. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const MINUTES = 60_000

/** Null when it is there, else why not. */
export function installBubblewrap(): string | null {
  if (existsSync('/usr/bin/bwrap')) return null
  if (process.platform !== 'linux') return 'bubblewrap is for Linux'
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return 'bubblewrap is not installed, and this user cannot install it'
  const run = (...args: readonly string[]) =>
    spawnSync('/usr/bin/apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { timeout: 3 * MINUTES, stdio: 'ignore' })
  run('update')
  run('install', '-y', '--no-install-recommends', 'bubblewrap')
  return existsSync('/usr/bin/bwrap') ? null : 'bubblewrap could not be installed'
}
