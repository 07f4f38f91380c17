/** The vault of a state folder, and what is kept in it. */
import type { Paths } from '../config/paths.ts'
import { withFileLock } from '../config/file-lock.ts'
import { prepareStateDir } from '../config/paths.ts'
import type { CredentialStore } from '../contracts/credential-store.ts'
import { loadGatewayToken } from '../secrets/gateway-token.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { mayHaveCredentialStore, systemCredentialStore } from '../secrets/os-store/credential-store.ts'
import { createVault, type Vault } from '../secrets/vault.ts'
import type { Environment } from './load-settings.ts'

export function openVault(env: Environment, paths: Paths): Vault {
  return createVault(paths.stateDir, configPassword(env), credentialStore(env))
}

/** An empty variable counts as not set. */
export function configPassword(env: Environment): string | undefined {
  return env['CARAPACE_CONFIG_PASSWORD'] === '' ? undefined : env['CARAPACE_CONFIG_PASSWORD']
}

/** Null where there can be none, or none is wanted (`CARAPACE_KEY_STORE=file`). It is not asked before a key is needed. */
export function credentialStore(env: Environment): CredentialStore | null {
  return env['CARAPACE_KEY_STORE'] !== 'file' && mayHaveCredentialStore(env) ? systemCredentialStore(env) : null
}

/** Whoever seals for the configuration, or changes the key, does so alone. */
export function withKeys<T>(paths: Paths, work: () => Promise<T>): Promise<T> {
  prepareStateDir(paths.stateDir)
  return withFileLock(`${paths.stateDir}/keys.lock`, work)
}

/** Made at the first call on a machine, the same ever after; `CARAPACE_GATEWAY_TOKEN` wins. */
export function gatewayToken(env: Environment, paths: Paths, vault: Vault = openVault(env, paths)): string {
  prepareStateDir(paths.stateDir)
  const { token, isMade } = loadGatewayToken(vault, paths.stateDir, env['CARAPACE_GATEWAY_TOKEN'])
  if (isMade) leaveReceipt(paths.audit, { kind: 'token-made' }, Date.now())
  return token
}

/** Opens the sealed values of the configuration file. The key is touched only when there is one. */
export function openSecrets(env: Environment, paths: Paths, vault: Vault = openVault(env, paths)): (path: string, sealed: string) => string {
  return (path, sealed) => vault.open(path, sealed)
}

/** Whether it is ours or not: what this process was given, it must not give away. */
const SECRET_VARIABLE = /(?:API_?KEY|ACCESS_KEY|_TOKEN|_SECRET|PASSWORD)$/i
const LEAST_LENGTH = 12

export function environmentSecrets(env: Environment): readonly string[] {
  const password = configPassword(env)
  const named = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= LEAST_LENGTH && SECRET_VARIABLE.test(name) ? [value] : [],
  )
  return password === undefined ? named : [...named, password]
}
