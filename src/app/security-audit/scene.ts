/** What the checks look at, read once. */
import type { Paths } from '../../config/paths.ts'
import { exposed } from '../../contracts/errors.ts'
import { factsOf } from '../../std/file-facts.ts'
import { systemClock } from '../../std/clock.ts'
import { readInstance } from '../../store/instance-file.ts'
import { openStore } from '../../store/open-store.ts'
import { loadSettings, type Environment } from '../load-settings.ts'
import { openSecrets, openVault } from '../secrets.ts'
import type { SecurityFinding } from '../../cli/context.ts'
import type { Scene } from './check.ts'

export interface AuditInput {
  readonly env: Environment
  readonly paths: Paths
  /** For tests. */
  readonly nodeVersion?: string
  readonly now?: number
}

/** Where the configuration cannot be read, that is the only finding. */
export async function readScene({
  env,
  paths,
  nodeVersion = process.versions.node,
  now = systemClock.now(),
}: AuditInput): Promise<Scene | { readonly finding: SecurityFinding }> {
  const vault = openVault(env, paths)
  try {
    const { config, warnings } = await loadSettings(env, paths, [], openSecrets(env, paths, vault))
    const instance = await readInstance(paths.instance)
    return {
      env,
      paths,
      config,
      warnings,
      nodeVersion,
      now,
      running: instance !== null && isRunning(instance.pid) ? { pid: instance.pid, host: instance.host } : null,
      async devices() {
        const url = config.store.url?.reveal()
        if (url === undefined && factsOf(paths.database) === null) return []
        const store = await openStore({ path: paths.database, url, synchronous: 'full' })
        try {
          return await store.devices.list()
        } finally {
          await store.close()
        }
      },
    }
  } catch (error) {
    const { message, hint } = exposed(error)
    return { finding: { check: 'configuration', severity: 'critical', detail: message, fix: hint ?? 'cara config validate' } }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
