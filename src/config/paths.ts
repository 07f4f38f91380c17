/** Where the configuration and the state live, and whether the state folder can be trusted. */
import { mkdirSync, statSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { AppError } from '../contracts/errors.ts'

export interface Paths {
  readonly configFile: string
  readonly stateDir: string
  readonly logFile: string
  readonly database: string
  /** The folder of the audit trail. */
  readonly audit: string
  /** Copies of what tools replaced. */
  readonly undo: string
  /** Copies of the database from before an upgrade. */
  readonly backups: string
  /** Held by the one gateway of the folder. */
  readonly lock: string
  /** Where that gateway can be reached. */
  readonly instance: string
}

export interface Machine {
  readonly platform: NodeJS.Platform
  readonly home: string
}

/**
 * `CARAPACE_CONFIG_PATH` names the file and `CARAPACE_STATE_DIR` the folder; each has a default of its own, so an instance apart sets both. Defaults:
 * `$XDG_CONFIG_HOME/carapace` or `~/.config/carapace`; on macOS `~/Library/Application Support/carapace`; on Windows `%APPDATA%\carapace`.
 */
export function resolvePaths(env: Readonly<Record<string, string | undefined>>, machine: Machine = { platform: process.platform, home: homedir() }): Paths {
  const folder = join(configHome(env, machine), 'carapace')
  const stateDir = resolve(env['CARAPACE_STATE_DIR'] || folder)
  return {
    configFile: resolve(env['CARAPACE_CONFIG_PATH'] || join(folder, 'carapace.json5')),
    stateDir,
    logFile: join(stateDir, 'logs', 'gateway.log'),
    database: join(stateDir, 'carapace.db'),
    audit: join(stateDir, 'audit'),
    undo: join(stateDir, 'undo'),
    backups: join(stateDir, 'backups'),
    lock: join(stateDir, 'gateway.lock'),
    instance: join(stateDir, 'gateway.json'),
  }
}

function configHome(env: Readonly<Record<string, string | undefined>>, { platform, home }: Machine): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming')
  const xdg = env['XDG_CONFIG_HOME']
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.config')
}

/**
 * Makes the state folder (0700) where there is none. Throws `state/unwritable` when it belongs to somebody else or others may write into it: whoever can write there
 * can replace keys, tokens and the database.
 */
export function prepareStateDir(stateDir: string): void {
  let found: Stats
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    found = statSync(stateDir)
  } catch (error) {
    throw new AppError('state/unwritable', stateDir, { cause: error, hint: 'Set CARAPACE_STATE_DIR to a folder that you can write to' })
  }
  const user = process.getuid?.()
  if (user === undefined) return
  if (found.uid !== user) {
    throw new AppError('state/unwritable', `${stateDir} belongs to another user`, {
      hint: 'Run as its owner, or set CARAPACE_STATE_DIR to a folder of your own',
    })
  }
  if ((found.mode & 0o022) !== 0) {
    throw new AppError('state/unwritable', `other users may write to ${stateDir}`, { hint: `chmod 700 '${stateDir}'` })
  }
}
