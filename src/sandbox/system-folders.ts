/** What programs of the system need to run, and nothing that tells about the owner. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs'

export interface SystemFolders {
  /** Folders and files that are shown as they are. */
  readonly readable: readonly string[]
  /** By path, where it leads: `/bin` on most systems. */
  readonly links: Readonly<Record<string, string>>
}

const FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Of `/etc` only what the dynamic linker, name tables, time zones and certificates need. */
const SETTINGS = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ca-certificates',
  'pki/tls/certs',
  'pki/ca-trust',
  'localtime',
  'timezone',
  'protocols',
  'services',
  'mime.types',
  'magic',
  'fonts',
  'perl',
  'debian_version',
  'os-release',
]

export function systemFolders(): SystemFolders {
  const links: Record<string, string> = {}
  const readable: string[] = []
  for (const folder of FOLDERS) {
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    if (stats?.isSymbolicLink() === true) links[folder] = readlinkSync(folder)
    else if (stats?.isDirectory() === true) readable.push(folder)
  }
  return { readable: [...readable, ...SETTINGS.map((name) => `/etc/${name}`).filter((path) => existsSync(path))], links }
}
