/** Files and folders: who may read and write them, where they lie, and what lies beside them. */
import { dirname, join } from 'node:path'
import { contains } from '../../std/inside-roots.ts'
import { factsBelow, factsOf, namesIn } from '../../std/file-facts.ts'
import { quoted, setCommand, type Found, type Scene, type SecurityCheck } from './check.ts'

const MAX_FILES = 20_000

export const fileModes: SecurityCheck = {
  id: 'file-modes',
  about: 'nobody else may read or write the state folder',
  run({ paths }) {
    const open = factsBelow(paths.stateDir, MAX_FILES).filter(({ kind, mode }) => kind !== 'link' && (mode & 0o077) !== 0)
    const [first] = open
    if (first === undefined) return []
    const isWritable = open.some(({ mode }) => (mode & 0o022) !== 0)
    const others = open.length === 1 ? '' : ` and ${open.length - 1} more`
    return [
      {
        severity: isWritable ? 'critical' : 'high',
        detail: `other users may ${isWritable ? 'change' : 'read'} ${first.path}${others}`,
        fix: `chmod -R go= ${quoted(paths.stateDir)}`,
      },
    ]
  },
}

export const configMode: SecurityCheck = {
  id: 'config-mode',
  about: 'nobody else may change the configuration',
  run({ paths, warnings }) {
    const facts = factsOf(paths.configFile)
    if (facts === null || (facts.mode & 0o077) === 0) return []
    const isWritable = (facts.mode & 0o022) !== 0
    const severity = isWritable ? 'critical' : warnings.length > 0 ? 'high' : 'low'
    return [{ severity, detail: `other users may ${isWritable ? 'change' : 'read'} ${paths.configFile}`, fix: `chmod 600 ${quoted(paths.configFile)}` }]
  },
}

/** What programs that copy folders to other machines leave in them, or call them. */
const SYNC_MARKS = new Set(['.dropbox', '.dropbox.cache', '.stfolder', '.sync', '.nextcloudsync.log', '.owncloudsync.log', '.tmp.drivedownload', '.git'])
const SYNC_NAMES = /^(?:dropbox|onedrive.*|google ?drive|my drive|icloud ?drive|mobile documents|nextcloud|owncloud|pcloud ?drive|mega|syncthing|box sync)$/i

export const stateSynced: SecurityCheck = {
  id: 'state-synced',
  about: 'the state folder is not copied to other machines',
  run({ paths }) {
    for (let folder = paths.stateDir; ; folder = dirname(folder)) {
      const name = folder.slice(dirname(folder).length).replace(/^[\\/]/, '')
      const mark = SYNC_NAMES.test(name) ? name : namesIn(folder).find((entry) => SYNC_MARKS.has(entry))
      if (mark !== undefined) {
        const fix = `mv ${quoted(paths.stateDir)} ~/.carapace-state && export CARAPACE_STATE_DIR=~/.carapace-state`
        return [{ severity: 'high', detail: `${paths.stateDir} lies in a folder that is synchronised or versioned (${join(folder, mark)})`, fix }]
      }
      if (dirname(folder) === folder) return []
    }
  },
}

/** Copies that editors, packers and people leave. */
const COPY = /(?:~|\.(?:bak|old|orig|save|copy|backup|tar|tgz|zip|7z|gz|swp))$|(?:master\.key|audit\.sealed|gateway-token\.sealed|gateway-password).+|\bcopy\b/i
const OURS = /\.tmp$|^carapace\.db-(?:wal|shm)$|^gateway\.log\.\d+$/

export const keyCopies: SecurityCheck = {
  id: 'key-copies',
  about: 'no copies of keys or configuration lie about',
  run({ paths }) {
    const folders = [...new Set([paths.stateDir, join(paths.stateDir, 'keys'), dirname(paths.configFile)])]
    return folders.flatMap((folder) =>
      namesIn(folder)
        .filter((name) => COPY.test(name) && !OURS.test(name))
        .map((name): Found => {
          const path = join(folder, name)
          return { severity: 'high', detail: `${path} looks like a copy of what is sealed, or of its key`, fix: `rm -r ${quoted(path)}` }
        }),
    )
  },
}

const rootsOf = ({ config }: Scene) => [
  { path: 'filesystem.roots', roots: config.filesystem.roots },
  { path: 'exec.readFolders', roots: config.exec.readFolders },
]

export const rootsWritable: SecurityCheck = {
  id: 'roots-writable',
  about: 'only you may write where tools read',
  run(scene) {
    const open = rootsOf(scene)
      .flatMap(({ roots }) => roots)
      .filter((root) => ((factsOf(root)?.mode ?? 0) & 0o002) !== 0)
    return [...new Set(open)].map((root): Found => ({
      severity: 'high',
      detail: `everybody may write to ${root}, which tools read`,
      fix: `chmod o-w ${quoted(root)}`,
    }))
  },
}

export const rootsHoldState: SecurityCheck = {
  id: 'roots-hold-state',
  about: 'tools see neither keys nor configuration',
  run(scene) {
    const hidden = [scene.paths.stateDir, scene.paths.configFile]
    const holds = (root: string) => hidden.some((path) => contains(root, path) || contains(path, root))
    return rootsOf(scene)
      .filter(({ roots }) => roots.some(holds))
      .map(({ path, roots }): Found => {
        const bad = roots.filter(holds)
        return {
          severity: 'critical',
          detail: `${path} lets tools into the folder of keys or configuration: ${bad.join(', ')}`,
          fix: setCommand(
            path,
            roots.filter((root) => !holds(root)),
          ),
        }
      })
  },
}
