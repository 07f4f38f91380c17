/** Changes the configuration file of this state folder; a null value takes the key out. */
import { setConfig, unsetConfig } from '../config/edit.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { sections, type Environment } from './load-settings.ts'
import { openVault } from './secrets.ts'

export async function editConfig(env: Environment, paths: Paths, change: { readonly path: string; readonly value: string | null }): Promise<void> {
  prepareStateDir(paths.stateDir)
  const vault = openVault(env, paths)
  const options = {
    file: paths.configFile,
    env,
    sections,
    open: (path: string, sealed: string) => vault.open(path, sealed),
    seal: (path: string, text: string) => vault.seal(path, text),
  }
  await (change.value === null ? unsetConfig(options, change.path) : setConfig(options, change.path, change.value))
  leaveReceipt(paths.audit, { kind: 'config-changed', path: change.path.slice(0, 256), action: change.value === null ? 'unset' : 'set' }, Date.now())
}
