/** Programs of the system that tests want; where one is missing and we may, it is installed. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const INSTALL_MS = 4 * 60_000
const FOLDERS = ['/usr/bin', '/usr/sbin', '/bin', '/usr/local/bin']

export function installBubblewrap(): string | null {
  return installPackages(['bwrap'], ['bubblewrap'])
}

/** Null when the programs are there, else why not. */
export function installPackages(programs: readonly string[], packages: readonly string[]): string | null {
  if (programs.every(isInstalled)) return null
  const names = packages.join(' and ')
  if (process.platform !== 'linux') return `${names}: only for Linux`
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) return `${names}: not installed, and this user cannot install it`
  // Several test files may want something at once: one after the other asks, and who finds it there does nothing.
  const wanted = programs.map((program) => `command -v ${program} >/dev/null`).join(' && ')
  const script = `${wanted} || { apt-get -q update; apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install ${packages.join(' ')}; }`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('flock', ['-w', '240', '/tmp/carapace-install', 'sh', '-c', script], { env, timeout: INSTALL_MS, stdio: 'ignore' })
  return programs.every(isInstalled) ? null : `${names}: could not be installed`
}

function isInstalled(program: string): boolean {
  return FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
