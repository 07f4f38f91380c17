/** Looks at machine, folders, configuration, database and models by trying them, and says what to do about what it finds. */
import { exposed } from '../contracts/errors.ts'
import type { Finding } from '../cli/context.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import { readInstance } from '../store/instance-file.ts'
import { openStore } from '../store/open-store.ts'
import { lockState } from '../store/state-lock.ts'
import { configuredModules } from './provider-set.ts'
import { loadSettings, type Environment } from './load-settings.ts'
import { gatewayToken, openSecrets, openVault } from './secrets.ts'

/** Fixes a remote code execution in the Brotli decoder and TLS hostname checks. */
const SAFE_NODE = [26, 12, 1]

export async function examine(env: Environment, paths: Paths): Promise<readonly Finding[]> {
  return [
    node(),
    await attempt('state folder', async () => {
      prepareStateDir(paths.stateDir)
      return paths.stateDir
    }),
    await attempt('configuration', () => configuration(env, paths)),
    await attempt('gateway token', async () => {
      gatewayToken(env, paths)
      return 'it can be opened'
    }),
    await attempt('key of the secrets', () => keyOfSecrets(env, paths)),
    await gateway(paths),
    await attempt('database', () => database(env, paths)),
    await attempt('audit trail', () => auditTrail(env, paths)),
    await models(env, paths),
    await attempt('sandbox', async () => {
      const [{ config }, { examineSandbox }] = await Promise.all([loadSettings(env, paths, [], openSecrets(env, paths)), import('./examine-sandbox.ts')])
      return examineSandbox(config, paths)
    }),
  ]
}

function node(): Finding {
  const version = process.versions.node
  const parts = version.split('.').map(Number)
  const isSafe = SAFE_NODE.reduceRight((later, part, index) => {
    const own = parts[index] ?? 0
    return own > part || (own === part && later)
  }, true)
  const detail = `Node ${version}`
  if (isSafe) return { name: 'Node', status: 'pass', detail }
  return {
    name: 'Node',
    status: 'warn',
    detail: `${detail} lacks the security fixes of ${SAFE_NODE.join('.')}`,
    next: 'Run a later Node where you expose the gateway to others',
  }
}

/** By sealing and opening with it. */
async function keyOfSecrets(env: Environment, paths: Paths): Promise<string | Finding> {
  const vault = openVault(env, paths)
  const kind = vault.kind()
  vault.open('doctor', vault.seal('doctor', 'works'))
  const { keyPlaces, readBridge } = await import('../secrets/keys.ts')
  const detail = `${describeKey(kind)}: it opens what it sealed`
  if (readBridge(keyPlaces(paths.stateDir)) === null) return detail
  return { name: 'key of the secrets', status: 'warn', detail: `${detail}; a change of it was interrupted`, next: 'Finish it with: cara secrets rotate' }
}

function describeKey(kind: 'os' | 'file' | 'password' | null): string {
  if (kind === 'os') return 'in the credential store of the system'
  return kind === 'password' ? 'from CARAPACE_CONFIG_PASSWORD' : 'a file in the state folder'
}

async function attempt(name: string, run: () => Promise<string | Finding>): Promise<Finding> {
  try {
    const found = await run()
    return typeof found === 'string' ? { name, status: 'pass', detail: found } : found
  } catch (error) {
    const { message, hint } = exposed(error)
    return { name, status: 'fail', detail: message, ...(hint === undefined ? {} : { next: hint }) }
  }
}

async function configuration(env: Environment, paths: Paths): Promise<string | Finding> {
  const { settings, warnings } = await loadSettings(env, paths, [], openSecrets(env, paths))
  const [warning] = warnings
  const detail = settings.hash === null ? `no file at ${paths.configFile}: the defaults hold` : paths.configFile
  return warning === undefined ? detail : { name: 'configuration', status: 'warn', detail, next: warning }
}

async function gateway(paths: Paths): Promise<Finding> {
  const instance = await readInstance(paths.instance)
  try {
    lockState(paths.lock).release()
    return { name: 'gateway', status: 'pass', detail: 'not running', next: 'Start it with: cara start' }
  } catch {
    const where = instance === null ? '' : ` on ${instance.host}:${instance.port} (process ${instance.pid})`
    return { name: 'gateway', status: 'pass', detail: `running${where}` }
  }
}

async function database(env: Environment, paths: Paths): Promise<string | Finding> {
  const { config } = await loadSettings(env, paths, [], openSecrets(env, paths))
  const store = await openStore({ path: paths.database, url: config.store.url?.reveal(), synchronous: 'full' })
  try {
    const problems = await store.check()
    const detail = `${Math.ceil((await store.size()) / 1024)} kB, integrity check passed`
    return problems.length === 0
      ? detail
      : { name: 'database', status: 'fail', detail: problems.join('; '), next: 'Restore a backup: cara restore FILE --force' }
  } finally {
    await store.close()
  }
}

async function auditTrail(env: Environment, paths: Paths): Promise<string | Finding> {
  const { examineTrail } = await import('./audit.ts')
  return examineTrail(env, paths)
}

async function models(env: Environment, paths: Paths): Promise<Finding> {
  return attempt('models', async () => {
    const { config } = await loadSettings(env, paths, [], openSecrets(env, paths))
    const ids = configuredModules(config).map(({ id }) => id)
    const real = ids.filter((id) => id !== 'demo')
    if (real.length > 0) return `configured: ${real.join(', ')}`
    return {
      name: 'models',
      status: 'warn',
      detail: ids.length === 0 ? 'none is configured' : 'only the built-in demo model',
      next: 'Connect one with: cara setup',
    }
  })
}
