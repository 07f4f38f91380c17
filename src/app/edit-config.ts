/** Changes the configuration file of this state folder; a null value takes the key out. */
import { setConfig, unsetConfig, type EditOptions } from '../config/edit.ts'
import type { Paths } from '../config/paths.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import type { Vault } from '../secrets/vault.ts'
import { sections, type Environment } from './load-settings.ts'
import { openVault, withKeys } from './secrets.ts'

export async function editConfig(env: Environment, paths: Paths, change: { readonly path: string; readonly value: string | null }): Promise<void> {
  await withKeys(paths, async () => {
    const options = editOptions(env, paths, openVault(env, paths))
    await (change.value === null ? unsetConfig(options, change.path) : setConfig(options, change.path, change.value))
  })
  leaveChange(paths, change.path, change.value === null ? 'unset' : 'set')
}

export function editOptions(env: Environment, paths: Paths, vault: Vault): EditOptions {
  return { file: paths.configFile, env, sections, open: (path, sealed) => vault.open(path, sealed), seal: (path, text) => vault.seal(path, text) }
}

export function leaveChange(paths: Paths, path: string, action: 'set' | 'unset'): void {
  leaveReceipt(paths.audit, { kind: 'config-changed', path: path.slice(0, 256), action }, Date.now())
}
