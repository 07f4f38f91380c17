/** What everything else stands on: the state folder, settings, secrets, log, audit trail, store, and the place among other nodes. */
import { toolCall } from '../guard/pipeline.ts'
import { countDecisions } from '../guard/count-decisions.ts'
import { loggedWords } from '../guard/logged-words.ts'
import type { Reporter } from '../guard/stage.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Store } from '../contracts/store.ts'
import { systemClock } from '../std/clock.ts'
import { loadAuditKeys } from '../secrets/audit-keys.ts'
import { loadDataKey } from '../secrets/data-key.ts'
import type { Vault } from '../secrets/vault.ts'
import { openTrail } from '../telemetry/audit/trail.ts'
import { createLog, type LogWriter } from '../telemetry/log.ts'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import type { StartOptions } from '../cli/context.ts'
import type { Config } from '../config/schema.ts'
import type { Flag } from '../config/layers.ts'
import type { Paths } from '../config/paths.ts'
import { tightenState } from '../config/tighten.ts'
import { isRestoring } from '../store/backup/restore-places.ts'
import { openStore } from '../store/open-store.ts'
import { lockState } from '../store/state-lock.ts'
import type { Closers } from './closers.ts'
import type { SharedPlace } from './cluster.ts'
import { loadSettings, type Environment } from './load-settings.ts'
import { reportDefects } from './own-process.ts'
import { environmentSecrets, gatewayToken, openSecrets, openVault } from './secrets.ts'

export interface Base {
  readonly env: Environment
  readonly paths: Paths
  readonly vault: Vault
  readonly token: string
  readonly secrets: SecretRegistry
  /** As this gateway was started. */
  readonly config: Config
  /** The same, and what nodes share may change in it while they run. */
  readonly live: Config
  readonly settings: Settings
  readonly warnings: readonly string[]
  readonly log: Log
  readonly writer: LogWriter
  readonly audit: AuditTrail
  readonly report: Reporter
  readonly store: Store
  /** Null where nobody else has this store. */
  readonly shared: SharedPlace | null
  readonly clock: Clock
  /** What several processes write is compared: by one clock, the database's. */
  readonly storeClock: Clock
}

export interface BaseOptions {
  readonly options: StartOptions
  readonly env: Environment
  readonly paths: Paths
  readonly ownsProcess: boolean
}

export async function openBase({ options, env, paths, ownsProcess }: BaseOptions, closers: Closers): Promise<Base> {
  const clock = systemClock
  const lock = lockState(paths.lock)
  closers.push(() => lock.release())
  const isRestored = isRestoring(paths.stateDir) && (await finishRestore(paths.stateDir))
  const tightened = tightenState(paths.stateDir)
  // One for all: a credential store is asked once.
  const vault = openVault(env, paths)
  const loaded = await loadSettings(env, paths, startFlags(options), openSecrets(env, paths, vault))
  const { config, secrets: configured, warnings: fromConfig } = loaded
  const secrets = createSecretRegistry()
  const token = gatewayToken(env, paths, vault)
  for (const secret of [...configured, token, ...environmentSecrets(env)]) secrets.add(secret)
  const writer = createLog({ level: config.logging.level, file: paths.logFile, maxFileBytes: config.logging.maxFileBytes, secrets })
  closers.push(() => writer.close())
  const { log } = writer
  const warnings = [...fromConfig, ...tightened]
  for (const warning of fromConfig) log.warn('config.warning', { warning })
  if (isRestored) log.info('state.restored', { why: 'a restore was interrupted' })
  for (const warning of tightened) log.warn('state.tightened', { warning })
  if (ownsProcess) closers.push(reportDefects({ log, redact: (text) => secrets.redact(text), flush: () => writer.flush() }))

  const audit = openTrail({
    folder: paths.audit,
    ...config.audit,
    keys: loadAuditKeys(vault, paths.stateDir),
    log,
    now: () => clock.now(),
  })
  closers.push(() => audit.close())
  audit.note({ kind: 'state-locked', pid: process.pid })
  const decisions = countDecisions(audit, () => clock.now())
  closers.push(() => {
    decisions.close()
    audit.note({ kind: 'gateway-stopped' })
  })

  const report: Reporter = (decision) => {
    const { checkpoint, stage, verdict, why, turn } = decision
    if (verdict === 'pass') return
    // A model chooses what a call says: its words are kept with the refusal (`cara why`), and stand in no line of the log. A fault speaks of the stage, and a refused address of its host.
    const isOfModel = checkpoint === toolCall.name && verdict !== 'fault'
    log.info('guard.decision', { checkpoint, stage, verdict, ...(isOfModel ? { turn } : { why: loggedWords(why ?? '', secrets) }) })
    decisions.report(decision)
  }
  const store = await openStore({
    path: paths.database,
    url: config.store.url?.reveal(),
    migrate: options.migrate ?? false,
    synchronous: config.store.synchronous,
    backups: { folder: paths.backups, onMade: (file) => log.info('store.backed-up', { file, why: 'the database is upgraded' }) },
    encrypt: { isOn: config.store.encrypt, key: () => loadDataKey(vault, paths.stateDir), copies: paths.undo },
  })
  closers.push(() => store.close())
  const shared =
    store.cluster === null ? null : await (await import('./cluster.ts')).openCluster({ cluster: store.cluster, store, loaded, audit, token, clock, log })
  // What nodes share may change while they run.
  const live = shared?.settings.config() ?? config
  writer.setLevel(live.logging.level)
  const settings = shared?.settings.settings() ?? loaded.settings
  // What several processes write is compared: by one clock, the database's.
  const storeClock = shared?.cluster.clock ?? clock
  return { env, paths, vault, token, secrets, config, live, settings, warnings, log, writer, audit, report, store, shared, clock, storeClock }
}

async function finishRestore(stateDir: string): Promise<boolean> {
  const { finishReplacing } = await import('../store/backup/replace-state.ts')
  return finishReplacing(stateDir)
}

function startFlags({ host, port, embedded }: StartOptions): readonly Flag[] {
  return [
    ...(host === undefined ? [] : [{ path: 'gateway.host', value: host, flag: '--host' }]),
    ...(port === undefined
      ? embedded === true
        ? [{ path: 'gateway.port', value: 0, flag: '(embedded)' }]
        : []
      : [{ path: 'gateway.port', value: port, flag: '--port' }]),
  ]
}
