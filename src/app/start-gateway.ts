/** Puts the gateway together, in the order in which things depend on each other, and takes it apart in the reverse. */
import { toolCall } from '../guard/pipeline.ts'
import { systemClock } from '../std/clock.ts'
import type { Log } from '../contracts/log.ts'
import { loadAuditKeys } from '../secrets/audit-keys.ts'
import { watchCredentials } from '../secrets/credential-changes.ts'
import { loadDataKey } from '../secrets/data-key.ts'
import { openTrail } from '../telemetry/audit/trail.ts'
import { createLog } from '../telemetry/log.ts'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import { createGuardedFetch } from '../guard/guarded-fetch.ts'
import { countDecisions } from '../guard/count-decisions.ts'
import { loggedWords } from '../guard/logged-words.ts'
import { Access, ownerOf } from '../guard/identity/access.ts'
import type { Tailnet } from '../guard/identity/tailnet.ts'
import type { Reporter } from '../guard/stage.ts'
import type { ReadForwarded } from '../guard/trusted-proxies.ts'
import { createModelDirectory } from '../agent/models.ts'
import { personalFor } from '../agent/reply-context.ts'
import { createQuestions } from '../agent/questions.ts'
import type { RunningGateway, StartOptions } from '../cli/context.ts'
import type { Config } from '../config/schema.ts'
import type { Flag } from '../config/layers.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import { tightenState } from '../config/tighten.ts'
import { asUnwritable } from '../config/unwritable.ts'
import type { AnnounceOptions, ApprovalNotices } from '../gateway/announce-approvals.ts'
import { createAnnouncer } from '../gateway/announce.ts'
import { createGateway } from '../gateway/create-gateway.ts'
import { forgetInBackground } from '../gateway/forget-old.ts'
import { createSchedule } from '../gateway/schedule/create-schedule.ts'
import { JobBook } from '../gateway/schedule/job-book.ts'
import { TaskBook } from '../gateway/schedule/task-book.ts'
import type { DefaultModel } from '../gateway/gateway.ts'
import { createOutboxDesk } from '../gateway/outbox/outbox-desk.ts'
import { createResolve } from '../net/resolve.ts'
import { createTransport } from '../net/transport.ts'
import { createServer } from '../server/server.ts'
import { removeInstance, writeInstance } from '../store/instance-file.ts'
import { isRestoring } from '../store/backup/restore-places.ts'
import { openStore } from '../store/open-store.ts'
import { lockState } from '../store/state-lock.ts'
import type { TurnOf } from '../tools/model-author.ts'
import { createTools } from '../tools/registry.ts'
import { toolDefinition } from '../tools/definition.ts'
import { createCredentials } from './credentials.ts'
import { execSettings } from './exec.ts'
import { findModel } from './find-model.ts'
import { loadSettings, type Environment } from './load-settings.ts'
import { openClassifier } from './classifier.ts'
import { closeSignals, reportDefects } from './own-process.ts'
import { openMessages } from './messages.ts'
import { configuredModules, createProviderSet } from './provider-set.ts'
import { SharedLimits } from './shared-limits.ts'
import { environmentSecrets, gatewayToken, openSecrets, openVault } from './secrets.ts'
import { version } from './version.ts'
import { createWrites } from './writes.ts'

/** For messages that are on their way; what does not end by then is tried again after the next start. */
const OUTBOX_CLOSE_MS = 2000

/** `ownsProcess`: nothing else runs in this process. */
export async function startGateway(options: StartOptions, env: Environment, paths: Paths, ownsProcess = false): Promise<RunningGateway> {
  if (ownsProcess) closeSignals()
  prepareStateDir(paths.stateDir)
  const closers: (() => unknown)[] = []
  try {
    return await assemble(options, env, paths, ownsProcess, closers)
  } catch (error) {
    await closeAll(closers)
    throw asUnwritable(error, paths.stateDir)
  }
}

async function assemble(options: StartOptions, env: Environment, paths: Paths, ownsProcess: boolean, closers: (() => unknown)[]): Promise<RunningGateway> {
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
    now: () => systemClock.now(),
  })
  closers.push(() => audit.close())
  audit.note({ kind: 'state-locked', pid: process.pid })
  const decisions = countDecisions(audit, () => systemClock.now())
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
    store.cluster === null
      ? null
      : await (await import('./cluster.ts')).openCluster({ cluster: store.cluster, store, loaded, audit, token, clock: systemClock, log })
  // What nodes share may change while they run.
  const live = shared?.settings.config() ?? config
  writer.setLevel(live.logging.level)
  const settings = shared?.settings.settings() ?? loaded.settings
  // What several processes write is compared: by one clock, the database's.
  const storeClock = shared?.cluster.clock ?? systemClock
  const transport = createTransport()
  closers.push(() => transport.close())
  const resolve = createResolve()
  const fetch = createGuardedFetch(transport, report, { resolve, secrets: config.secrets })
  const adapterDeps = { fetch, log, now: () => systemClock.now() }
  const providers = createProviderSet(config, adapterDeps)

  const stopping = new AbortController()
  let defaultModel: DefaultModel = { name: null, source: 'none', demo: false }
  const models = createModelDirectory({
    config: live,
    defaultModel: async () => (await search).name,
    providers,
  })
  const searchModel = () =>
    findModel(
      {
        config: live,
        sourceOf: (path) => settings.explain(path).source,
        load: (id) => models.provider(id),
        probe: async (signal) => {
          const { probeProviders } = await import('./probe-providers.ts')
          return probeProviders(providers, adapterDeps, signal)
        },
        log,
      },
      stopping.signal,
    ).then((found) => {
      defaultModel = found
      log.info('model.found', { model: found.name, source: found.source })
      return found
    })
  let search = searchModel()
  let searched: Promise<unknown> = search
  shared?.settings.onChanged((before) => {
    writer.setLevel(live.logging.level)
    if (before.agent.model === live.agent.model) return
    const next = searchModel()
    // Until it is found, the one before answers.
    searched = next.then(
      () => (search = next),
      (error: unknown) => log.error('model.unfound', { error }),
    )
  })

  const access = new Access([[token, ownerOf(token)]], { failedAuthLimit: config.gateway.failedAuthLimit, now: () => systemClock.now() })
  const givenToken = env['CARAPACE_GATEWAY_TOKEN']
  const credentials = createCredentials({
    access,
    vault,
    stateDir: paths.stateDir,
    givenToken,
    token,
    secrets,
    audit,
    store: shared === null ? store.devices : shared.devices(store.devices),
    now: () => systemClock.now(),
  })
  await credentials.openDevices()
  const limits = new SharedLimits({
    access,
    store: store.limits,
    now: () => systemClock.now(),
    storeNow: () => storeClock.now(),
    node: shared?.cluster.id ?? null,
    log,
  })
  closers.push(() => limits.close())
  await limits.learn()
  if (shared !== null) closers.push(shared.share(credentials, limits))
  closers.push(watchCredentials(paths.stateDir, () => attempt(log, () => credentials.reload())))

  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const questions = createQuestions({ models, report, clock: systemClock })
  const messages = await openMessages(config.messages.destinations, {
    fetch,
    clock: storeClock,
    log,
    secrets,
    // Destinations are the owner's own.
    personal: personalFor(config.guard.pii, true),
    report,
    store: store.outbox,
    audit,
  })
  closers.push(() => messages.close(OUTBOX_CLOSE_MS))
  const book = new JobBook({
    store: store.jobs,
    config: config.cron,
    destinations: messages.destinations,
    timeZone,
    audit,
    now: () => systemClock.now(),
    log,
  })
  const taskBook = new TaskBook({ store: store.tasks, config: config.cron, timeZone: book.timeZone, audit, now: () => systemClock.now(), log })
  const exec = execSettings(config, paths, { fetch, resolve, report, secrets, log })
  const writes = createWrites(store, paths, config.undo, audit, () => systemClock.now(), taskBook)
  const files = { ...config.filesystem, protectedPaths: [paths.stateDir, paths.configFile] }
  const turnOf: TurnOf = (turnId) => store.turns.open(turnId)
  const tools = createTools({
    store,
    settings,
    filesystem: files,
    writes,
    fetch,
    messages,
    ...(canSee(config) ? { media: { ask: questions.ask, model: config.media.model ?? null } } : {}),
    secrets: { named: config.secrets, known: secrets },
    ...(exec === null ? {} : { exec }),
    ...(config.cron.enabled && hasOwnModel(config) ? { jobs: { book, turnOf }, tasks: { tasks: taskBook, turnOf } } : {}),
    now: () => systemClock.now(),
    timeZone,
  })
  const control = createGateway({
    place: shared?.cluster ?? null,
    agent: {
      models,
      questions,
      store,
      tools: new Map(tools.map((tool) => [tool.name, tool])),
      definitions: tools.map(toolDefinition),
      config: live,
      secrets,
      classifier: await openClassifier(config, { models, report, now: () => systemClock.now(), log }),
      report,
      audit,
      clock: systemClock,
      timeZone,
      log,
    },
    defaultModel: () => defaultModel,
    notReady: () => [...(defaultModel.name === null ? ['no model is configured'] : []), ...store.faults(), ...audit.faults()],
    maySend: (credential) => access.maySend(credential),
  })
  access.onEnded(() => control.reauthorise())
  const { gateway } = control
  const announcer = createAnnouncer(messages, audit, systemClock)
  const { notify } = config.approvals
  const { isShared } = store.turns.leases
  const notices =
    notify.length > 0 ? await openNotices({ approvals: gateway.approvals, store: store.approvals, announcer, notify, isShared, clock: systemClock, log }) : null
  closers.push(() => notices?.stop())
  const forgetting = forgetInBackground({
    async *steps() {
      yield* store.forgetOld(live.retention, storeClock.now())
      await writes.log.forgetOld()
    },
    clock: systemClock,
    log,
  })
  closers.push(() => forgetting.stop())
  const schedule = createSchedule({
    gateway,
    store,
    book,
    taskBook,
    announcer,
    config: config.cron,
    isBrief: options.embedded === true,
    conditions: { memory: store.memory, files, fetch, timeZone: book.timeZone },
    maySend: (credential) => access.maySend(credential),
    clock: systemClock,
    monotonic: () => performance.now(),
    log,
  })
  closers.push(() => schedule.stop())
  shared?.settings.onChanged(() => {
    searched.then(() => schedule.reconfigured()).catch((error: unknown) => log.error('cron.unread', { error }))
  })
  const server = createServer({
    gateway,
    undo: writes.undo,
    forgetOld: () => forgetting.now(),
    jobs: schedule.jobs,
    tasks: schedule.tasks,
    async erase(key, session, by) {
      await audit.keep({ kind: 'conversation-erased', session, by })
      return store.eraseConversation(key, { copies: paths.undo, backups: paths.backups })
    },
    settings,
    sharedSettings: shared?.settings ?? null,
    messages: announcer,
    outbox: createOutboxDesk({ outbox: messages, store: store.outbox, audit, clock: systemClock }),
    logs: writer.tail,
    log,
    config: config.gateway,
    access,
    credentials,
    holdConnectionMs: config.approvals.holdConnectionMs,
    readForwarded: await proxyReader(config.gateway.trustedProxies),
    tailnet: await openTailnet(config.gateway.auth.tailscale, access),
    report,
    version,
    now: () => systemClock.now(),
  })
  const { host } = config.gateway
  const { port } = await server.listen(host, config.gateway.port)
  closers.push(() => server.close(0))
  shared?.cluster.listensAt(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  await control.recover()
  await messages.start(isShared)
  notices?.look()
  await schedule.start()
  await writeInstance(paths.instance, { pid: process.pid, host, port, version })
  closers.push(() => removeInstance(paths.instance))
  audit.note({ kind: 'gateway-started', version, host, port, config: settings.hash === null ? null : audit.mac(settings.hash) })
  const model = await search
  log.info('gateway.started', { version, host, port, model: model.name })

  const stopped = Promise.withResolvers<void>()
  let stop: Promise<void> | null = null
  const shutDown = async () => {
    log.info('gateway.stopping')
    stopping.abort()
    schedule.stop()
    await control.drain(config.gateway.drainMs)
    await server.close(1000)
    await closeAll(closers)
    stopped.resolve()
  }
  return { warnings, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, model, stopped: stopped.promise, stop: () => (stop ??= shutDown()) }
}

async function openNotices(options: AnnounceOptions): Promise<ApprovalNotices> {
  const { announceApprovals } = await import('../gateway/announce-approvals.ts')
  return announceApprovals(options)
}

async function finishRestore(stateDir: string): Promise<boolean> {
  const { finishReplacing } = await import('../store/backup/replace-state.ts')
  return finishReplacing(stateDir)
}

/** The demo is blind. */
function canSee(config: Config): boolean {
  return config.media.model !== undefined || hasOwnModel(config)
}

/** The demo is a small model, which chooses better among few tools. */
function hasOwnModel(config: Config): boolean {
  return configuredModules(config).some(({ id }) => id !== 'demo')
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

async function proxyReader(trusted: readonly string[]): Promise<ReadForwarded | null> {
  if (trusted.length === 0) return null
  const { trustProxies } = await import('../guard/trusted-proxies.ts')
  return trustProxies(trusted)
}

async function openTailnet({ enabled, users, scopes, socket }: Config['gateway']['auth']['tailscale'], access: Access): Promise<Tailnet | null> {
  if (!enabled) return null
  const [{ Tailnet }, { whoIs }, { ownerOfPeer, ownerOfService }] = await Promise.all([
    import('../guard/identity/tailnet.ts'),
    import('../net/tailscale.ts'),
    import('../std/socket-owner.ts'),
  ])
  const tailnet = new Tailnet({ users, scopes, whoIs: (address) => whoIs(socket, address), ownerOfPeer, ownerOfDaemon: () => ownerOfService(socket) })
  access.tailnet = tailnet.principals
  return tailnet
}

/** What cannot be read keeps what was known. */
function attempt(log: Log, work: () => void): void {
  try {
    work()
  } catch (error) {
    log.error('credentials.unreadable', { error })
  }
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close()
    } catch {
      // What cannot be closed ends with the process.
    }
  }
  closers.length = 0
}
