/** The vault of a state folder, and what is kept in it. */
import type { Paths } from '../config/paths.ts'
import { prepareStateDir } from '../config/paths.ts'
import { loadGatewayToken } from '../secrets/gateway-token.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { createVault, type Vault } from '../secrets/vault.ts'
import type { Environment } from './load-settings.ts'

export function openVault(env: Environment, paths: Paths): Vault {
  return createVault(paths.stateDir, env['CARAPACE_CONFIG_PASSWORD'])
}

/** Made at the first call on a machine, the same ever after; `CARAPACE_GATEWAY_TOKEN` wins. */
export function gatewayToken(env: Environment, paths: Paths): string {
  prepareStateDir(paths.stateDir)
  const { token, isMade } = loadGatewayToken(openVault(env, paths), paths.stateDir, env['CARAPACE_GATEWAY_TOKEN'])
  if (isMade) leaveReceipt(paths.audit, { kind: 'token-made' }, Date.now())
  return token
}

/** Opens the sealed values of the configuration file. The key is touched only when there is one. */
export function openSecrets(env: Environment, paths: Paths): (path: string, sealed: string) => string {
  const vault = openVault(env, paths)
  return (path, sealed) => vault.open(path, sealed)
}
