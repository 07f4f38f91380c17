/** Tests of the sandbox want bubblewrap; where it is missing and we may, it is installed. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const BWRAP = '/usr/bin/bwrap'
const MINUTES = 60_000

/** Null when it is there, else why not. */
export function installBubblewrap(): string | null {
  if (existsSync(BWRAP)) return null
  if (process.platform !== 'linux') return 'bubblewrap is for Linux'
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return 'bubblewrap is not installed, and this user cannot install it'
  // Several test files may want it at once.
  const install = `[ -x ${BWRAP} ] || { apt-get -q update; apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install bubblewrap; }`
  spawnSync('/usr/bin/flock', ['-w', '240', '/tmp/carapace-install-bubblewrap', 'sh', '-c', install], { timeout: 5 * MINUTES, stdio: 'ignore' })
  return existsSync(BWRAP) ? null : 'bubblewrap could not be installed'
}
