/** Puts the gateway together, in the order in which things depend on each other, and takes it apart in the reverse. */
import { createQuestions } from '../agent/questions.ts'
import { personalFor } from '../agent/reply-context.ts'
import type { RunningGateway, StartOptions } from '../cli/context.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { asUnwritable } from '../config/unwritable.ts'
import type { AnnounceOptions, ApprovalNotices } from '../gateway/announce-approvals.ts'
import { createAnnouncer } from '../gateway/announce.ts'
import { createGateway } from '../gateway/create-gateway.ts'
import { forgetInBackground } from '../gateway/forget-old.ts'
import { createOutboxDesk } from '../gateway/outbox/outbox-desk.ts'
import { createSchedule } from '../gateway/schedule/create-schedule.ts'
import { JobBook } from '../gateway/schedule/job-book.ts'
import { TaskBook } from '../gateway/schedule/task-book.ts'
import { createServer } from '../server/server.ts'
import { removeInstance, writeInstance } from '../store/instance-file.ts'
import { toolDefinition } from '../tools/definition.ts'
import type { TurnOf } from '../tools/model-author.ts'
import { createTools } from '../tools/registry.ts'
import { openClassifier } from './classifier.ts'
import { closeAll, type Closers } from './closers.ts'
import { execSettings } from './exec.ts'
import type { Environment } from './load-settings.ts'
import { openMessages } from './messages.ts'
import { openAccess } from './open-access.ts'
import { openBase, type BaseOptions } from './open-base.ts'
import { openModels } from './open-models.ts'
import { closeSignals } from './own-process.ts'
import { configuredModules } from './provider-set.ts'
import { version } from './version.ts'
import { createWrites } from './writes.ts'

/** For messages that are on their way; what does not end by then is tried again after the next start. */
const OUTBOX_CLOSE_MS = 2000

/** `ownsProcess`: nothing else runs in this process. */
export async function startGateway(options: StartOptions, env: Environment, paths: Paths, ownsProcess = false): Promise<RunningGateway> {
  if (ownsProcess) closeSignals()
  prepareStateDir(paths.stateDir)
  const closers: Closers = []
  try {
    return await assemble({ options, env, paths, ownsProcess }, closers)
  } catch (error) {
    await closeAll(closers)
    throw asUnwritable(error, paths.stateDir)
  }
}

async function assemble(given: BaseOptions, closers: Closers): Promise<RunningGateway> {
  const base = await openBase(given, closers)
  const { options, paths } = given
  const { secrets, config, live, settings, warnings, log, writer, audit, report, store, shared, clock, storeClock } = base
  const { fetch, resolve, models, ...model } = openModels(base, closers)
  const { access, ...doors } = await openAccess(base, closers)
  const now = () => clock.now()

  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const questions = createQuestions({ models, report, clock })
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
    now,
    log,
  })
  const taskBook = new TaskBook({ store: store.tasks, config: config.cron, timeZone: book.timeZone, audit, now, log })
  const exec = execSettings(config, paths, { fetch, resolve, report, secrets, log })
  const writes = createWrites(store, paths, config.undo, audit, now, taskBook)
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
    now,
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
      classifier: await openClassifier(config, { models, report, now, log }),
      report,
      audit,
      clock,
      timeZone,
      log,
    },
    defaultModel: () => model.defaultModel(),
    notReady: () => [...(model.defaultModel().name === null ? ['no model is configured'] : []), ...store.faults(), ...audit.faults()],
    maySend: (credential) => access.maySend(credential),
  })
  access.onEnded(() => control.reauthorise())
  const { gateway } = control
  const announcer = createAnnouncer(messages, audit, clock)
  const { notify } = config.approvals
  const { isShared } = store.turns.leases
  const notices =
    notify.length > 0 ? await openNotices({ approvals: gateway.approvals, store: store.approvals, announcer, notify, isShared, clock, log }) : null
  closers.push(() => notices?.stop())
  const forgetting = forgetInBackground({
    async *steps() {
      yield* store.forgetOld(live.retention, storeClock.now())
      await writes.log.forgetOld()
    },
    clock,
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
    work: shared?.cluster.work ?? null,
    conditions: { memory: store.memory, files, fetch, timeZone: book.timeZone },
    maySend: (credential) => access.maySend(credential),
    clock,
    monotonic: () => performance.now(),
    log,
  })
  closers.push(() => schedule.stop())
  shared?.settings.onChanged(() => {
    model
      .searched()
      .then(() => schedule.reconfigured())
      .catch((error: unknown) => log.error('cron.unread', { error }))
  })
  const server = createServer({
    gateway,
    undo: writes.undo,
    forgetOld: () => forgetting.now(),
    jobs: schedule.jobs,
    tasks: schedule.tasks,
    work: schedule.work,
    async erase(key, session, by) {
      await audit.keep({ kind: 'conversation-erased', session, by })
      return store.eraseConversation(key, { copies: paths.undo, backups: paths.backups })
    },
    settings,
    sharedSettings: shared?.settings ?? null,
    messages: announcer,
    outbox: createOutboxDesk({ outbox: messages, store: store.outbox, audit, clock }),
    logs: writer.tail,
    log,
    config: config.gateway,
    access,
    ...doors,
    holdConnectionMs: config.approvals.holdConnectionMs,
    report,
    version,
    now,
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
  const found = await model.found()
  log.info('gateway.started', { version, host, port, model: found.name })

  const stopped = Promise.withResolvers<void>()
  let stop: Promise<void> | null = null
  const shutDown = async () => {
    log.info('gateway.stopping')
    model.stop()
    schedule.stop()
    await control.drain(config.gateway.drainMs)
    await server.close(1000)
    await closeAll(closers)
    stopped.resolve()
  }
  return {
    warnings,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    model: found,
    stopped: stopped.promise,
    stop: () => (stop ??= shutDown()),
  }
}

async function openNotices(options: AnnounceOptions): Promise<ApprovalNotices> {
  const { announceApprovals } = await import('../gateway/announce-approvals.ts')
  return announceApprovals(options)
}

/** The demo is blind. */
function canSee(config: Config): boolean {
  return config.media.model !== undefined || hasOwnModel(config)
}

/** The demo is a small model, which chooses better among few tools. */
function hasOwnModel(config: Config): boolean {
  return configuredModules(config).some(({ id }) => id !== 'demo')
}
