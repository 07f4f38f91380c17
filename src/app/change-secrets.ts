/** What `cara secrets` does: lists, sets, seals and re-keys. Values go in and never come out. */
import type { SecretListing, SecretsRotated } from '../cli/context.ts'
import type { Paths } from '../config/paths.ts'
import { listSecrets, resealConfig, sealConfig, secretPlace, setSecret, setValues } from '../config/secret-texts.ts'
import { AppError } from '../contracts/errors.ts'
import { SECRET_NAME } from '../contracts/named-secret.ts'
import type { KeyKind } from '../secrets/keys.ts'
import { rotateKeys } from '../secrets/rotate.ts'
import { lockState } from '../store/state-lock.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { editConfig, editOptions, leaveChange } from './edit-config.ts'
import { loadSettings, sections, type Environment } from './load-settings.ts'
import { configPassword, credentialStore, openVault, withKeys } from './secrets.ts'

/** Without opening anything. */
export async function secretsOf(env: Environment, paths: Paths): Promise<SecretListing> {
  const { config } = await loadSettings(env, paths, [])
  const places = await listSecrets({ file: paths.configFile, env, sections })
  return {
    keyKind: openVault(env, paths).kind(),
    secrets: places.map(({ path, form, from }) => {
      const name = nameIn(path)
      const named = name === null ? undefined : config.secrets[name]
      const use = named === undefined ? 'the gateway itself' : named.hosts.length === 0 ? 'no host yet' : named.hosts.join(', ')
      return { name: name ?? path, path, form, from, use }
    }),
  }
}

/** Sets the secret, and for a named one the hosts that it is for, where some are given. */
export async function setSecretValue(env: Environment, paths: Paths, name: string, value: string, hosts: readonly string[]): Promise<string> {
  const path = pathOf(name)
  const segments = secretPlace(sections, path)
  if (segments === null)
    throw new AppError('config/unknown-key', path.slice(0, 200), {
      hint: 'Name a key of a provider (providers.openai.apiKey) or choose a name of letters, digits, _ and -',
    })
  if (hosts.length > 0 && nameIn(path) === null) throw new AppError('cli/usage', '--host goes with a named secret only')
  await withKeys(paths, async () => {
    const options = editOptions(env, paths, openVault(env, paths))
    await setSecret(options, segments, value)
    if (hosts.length > 0) await setValues(options, [[['secrets', name, 'hosts'], [...new Set(hosts)]]])
  })
  leaveChange(paths, path, 'set')
  return path
}

export async function deleteSecret(env: Environment, paths: Paths, name: string): Promise<string> {
  const path = pathOf(name)
  const named = nameIn(path)
  const known = await listSecrets({ file: paths.configFile, env, sections })
  if (!known.some((each) => each.path === path && each.form !== 'environment')) {
    throw new AppError('config/unknown-key', path.slice(0, 200), { hint: 'See the names with: cara secrets list' })
  }
  const target = named === null ? path : `secrets.${named}`
  await editConfig(env, paths, { path: target, value: null })
  return target
}

export async function allowSecret(env: Environment, paths: Paths, name: string, host: string): Promise<readonly string[]> {
  const { config } = await loadSettings(env, paths, [])
  const known = Object.hasOwn(config.secrets, name) ? config.secrets[name] : undefined
  if (known === undefined) throw new AppError('config/unknown-key', `secrets.${name.slice(0, 64)}`, { hint: 'See the names with: cara secrets list' })
  const hosts = [...new Set([...known.hosts, host.toLowerCase()])]
  await withKeys(paths, () => setValues(editOptions(env, paths, openVault(env, paths)), [[['secrets', name, 'hosts'], hosts]]))
  leaveChange(paths, `secrets.${name}.hosts`, 'set')
  return hosts
}

export async function sealSecrets(env: Environment, paths: Paths): Promise<readonly string[]> {
  const sealed = await withKeys(paths, () => sealConfig(editOptions(env, paths, openVault(env, paths))))
  for (const path of sealed) leaveChange(paths, path, 'set')
  return sealed
}

/** Needs the state folder for itself: a running gateway holds the old key. */
export async function rotateSecrets(env: Environment, paths: Paths, to: KeyKind | null, newPassword: string | null): Promise<SecretsRotated> {
  return withKeys(paths, async () => {
    const lock = lockState(paths.lock)
    try {
      const vault = openVault(env, paths)
      const kind = to ?? vault.kind() ?? 'file'
      const done = await rotateKeys({
        stateDir: paths.stateDir,
        vault,
        to: kind,
        newPassword: newPassword ?? configPassword(env) ?? null,
        store: credentialStore(env),
        configuration: (reseal) => resealConfig(editOptions(env, paths, vault), reseal),
      })
      leaveReceipt(paths.audit, { kind: 'secrets-rotated', to: done.kind }, Date.now())
      return done
    } finally {
      lock.release()
    }
  })
}

/** A name without a dot is one of `secrets`. */
function pathOf(name: string): string {
  return SECRET_NAME.test(name) ? `secrets.${name}.value` : name
}

function nameIn(path: string): string | null {
  return /^secrets\.([^.]+)\.value$/.exec(path)?.[1] ?? null
}
