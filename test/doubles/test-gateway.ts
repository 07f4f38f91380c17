/** A whole gateway in process: real store in a temporary folder, real tools, real guard; only the model is scripted. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentDeps } from '../../src/agent/agent-turn.ts'
import { createModelDirectory } from '../../src/agent/models.ts'
import { createClassifier } from '../../src/agent/classifier.ts'
import { createQuestions } from '../../src/agent/questions.ts'
import { createWrites } from '../../src/app/writes.ts'
import type { Answer, Approval } from '../../src/contracts/approval.ts'
import { coreSections, type CoreConfig } from '../../src/config/schema.ts'
import type { Clock } from '../../src/contracts/clock.ts'
import type { Log } from '../../src/contracts/log.ts'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import type { NamedSecrets } from '../../src/contracts/named-secret.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Provider } from '../../src/contracts/provider.ts'
import type { Settings } from '../../src/contracts/settings.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { AnyTool } from '../../src/contracts/tool.ts'
import type { InboundMessage, TurnEvent, TurnResult } from '../../src/contracts/turn.ts'
import type { Undo } from '../../src/contracts/undo.ts'
import type { Cluster } from '../../src/gateway/cluster/cluster.ts'
import { createGateway, type GatewayControl } from '../../src/gateway/create-gateway.ts'
import { countDecisions } from '../../src/guard/count-decisions.ts'
import type { CheckpointReport, Reporter } from '../../src/guard/stage.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openStore } from '../../src/store/open-store.ts'
import { loadAuditKeys } from '../../src/secrets/audit-keys.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { openTrail, type OpenTrail, type TrailOptions } from '../../src/telemetry/audit/trail.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { toolDefinition } from '../../src/tools/definition.ts'
import type { JobTools } from '../../src/tools/cron.ts'
import { createTools } from '../../src/tools/registry.ts'
import type { TaskTools } from '../../src/tools/task.ts'
import { taskBookOver } from './task-book.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'

export interface TestGateway extends GatewayControl {
  readonly undo: Undo
  readonly tools: readonly AnyTool[]
  readonly clock: Clock
  readonly folder: string
  readonly reports: readonly CheckpointReport[]
  /** The trail, in `folder/state/audit`. */
  readonly audit: OpenTrail
  readonly logged: readonly string[]
  /** Sends a message and waits for the end of its turn; the owner answers whatever is asked as `toEveryQuestion` says, or not at all. */
  ask(
    text: string,
    more?: Partial<InboundMessage>,
    toEveryQuestion?: Omit<Answer, 'hash'>,
  ): Promise<{ readonly result: TurnResult; readonly events: readonly TurnEvent[] }>
  /** Sends a message and waits until its turn has asked the owner. The list of events goes on growing. */
  asked(
    text: string,
    more?: Partial<InboundMessage>,
  ): Promise<{ readonly turnId: string; readonly events: readonly TurnEvent[]; readonly approvals: readonly Approval[] }>
  /** The owner answers all of these the same way. */
  answer(approvals: readonly Approval[], answer: Omit<Answer, 'hash'>): Promise<readonly Approval[]>
  /** The end of a turn, or what it asks next. */
  next(turnId: string): Promise<TurnResult | readonly Approval[]>
  /** Drops `reports` and `logged`. */
  forget(): void
  /** Ends this gateway and keeps the folder, as a crash does. */
  crash(): Promise<void>
  close(): Promise<void>
}

export interface TestGatewayOptions {
  /** What `web_fetch` reaches; by default nothing. */
  readonly fetch?: EgressFetch
  readonly namedSecrets?: NamedSecrets
  readonly providers: readonly Provider[]
  readonly routes?: Readonly<Record<string, readonly string[]>>
  /** By default the first provider's `model`. */
  readonly model?: string
  readonly agent?: Record<string, unknown>
  readonly tools?: readonly AnyTool[]
  /** Gives the model the tools of scheduled work. */
  readonly jobs?: (store: Store, audit: OpenTrail) => JobTools
  readonly tasks?: (store: Store, audit: OpenTrail) => TaskTools
  readonly guard?: Record<string, unknown>
  readonly approvals?: Record<string, unknown>
  readonly toolPolicy?: CoreConfig['tools']
  readonly filesystem?: Record<string, unknown>
  readonly undoLimits?: Partial<CoreConfig['undo']>
  readonly prices?: CoreConfig['usage']['prices']
  readonly secrets?: readonly string[]
  readonly audit?: Partial<CoreConfig['audit']>
  readonly flushAudit?: TrailOptions['flush']
  readonly clock?: ManualClock
  /** Whether what came by this credential may still run; by default it may. */
  readonly maySend?: (credential: string) => boolean
  readonly folder?: string
  /** Opens the store at this path, where it is not the usual one. */
  readonly openStore?: (path: string) => Promise<Store>
  /** Time passes by itself; by default nobody's hand moves it. */
  readonly realTime?: boolean
  /** Its place among those that share the store. */
  readonly joins?: (store: Store, log: Log) => Cluster
}

export async function testGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'cara-gateway-')))
  const open = options.openStore ?? ((path: string) => openStore({ path, synchronous: 'normal' }))
  const store = await open(join(folder, 'carapace.db'))
  const clock: Clock = options.realTime === true ? systemClock : (options.clock ?? manualClock())
  const secrets = createSecretRegistry()
  for (const secret of options.secrets ?? []) secrets.add(secret)
  const reports: CheckpointReport[] = []
  const logged: string[] = []
  const log = recordingLog(logged)
  const config = {
    agent: coreSections.agent.parse(options.agent ?? {}),
    tools: options.toolPolicy ?? coreSections.tools.parse({}),
    filesystem: coreSections.filesystem.parse(options.filesystem ?? {}),
    guard: coreSections.guard.parse(options.guard ?? {}),
    approvals: coreSections.approvals.parse(options.approvals ?? {}),
  }
  const web = options.namedSecrets === undefined ? {} : { secrets: { named: options.namedSecrets, known: secrets } }
  const now = () => clock.now()
  const state = join(folder, 'state')
  const audit = openTrail({
    folder: join(state, 'audit'),
    ...coreSections.audit.parse(options.audit ?? {}),
    keys: loadAuditKeys(createVault(state), state),
    log,
    now: () => clock.now(),
    ...(options.flushAudit === undefined ? {} : { flush: options.flushAudit }),
  })
  const writes = createWrites(
    store,
    { undo: join(state, 'undo') },
    coreSections.undo.parse(options.undoLimits ?? {}),
    audit,
    now,
    taskBookOver(store, audit, now),
  )
  const tools = [
    ...createTools({
      store,
      settings: noSettings,
      filesystem: { ...config.filesystem, protectedPaths: [join(folder, 'state')] },
      writes,
      fetch: options.fetch ?? noNetwork,
      ...web,
      ...(options.jobs === undefined ? {} : { jobs: options.jobs(store, audit) }),
      ...(options.tasks === undefined ? {} : { tasks: options.tasks(store, audit) }),
      now,
      timeZone: 'UTC',
    }),
    ...(options.tools ?? []),
  ]
  const models = createModelDirectory({
    config: {
      agent: config.agent,
      usage: { prices: options.prices ?? {} },
      routes: Object.fromEntries(Object.entries(options.routes ?? {}).map(([name, chain]) => [name, { models: [...chain] }])),
    },
    defaultModel: async () => options.model ?? `${options.providers[0]?.id ?? 'none'}:model`,
    providers: new Map(options.providers.map((provider) => [provider.id, async () => provider])),
  })
  const decisions = countDecisions(audit, () => clock.now())
  const report: Reporter = (decision) => {
    reports.push(decision)
    decisions.report(decision)
  }
  const agent: AgentDeps = {
    models,
    questions: createQuestions({ models, report, clock }),
    classifier: createClassifier(config.guard.classifier, { models, report, now: () => clock.now(), log }),
    store,
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    definitions: tools.map(toolDefinition),
    config,
    secrets,
    audit,
    report,
    clock,
    timeZone: 'UTC',
    log,
  }
  const control = createGateway({
    agent,
    place: options.joins?.(store, log) ?? null,
    defaultModel: () => ({ name: 'test', source: 'config', demo: false }),
    notReady: () => store.faults(),
    maySend: options.maySend ?? (() => true),
  })
  const answer: TestGateway['answer'] = (approvals, given) =>
    control.gateway.approvals.resolve(
      approvals.map(({ id, hash }) => ({ ...given, id, hash })),
      { by: 'owner', door: 'test' },
    )
  return {
    ...control,
    undo: writes.undo,
    tools,
    clock,
    folder,
    audit,
    reports,
    logged,
    async ask(text, more = {}, toEveryQuestion) {
      const events: TurnEvent[] = []
      const { turnId } = await control.gateway.submit(messageOf(text, more), (event) => events.push(event))
      let end: TurnResult | readonly Approval[] = []
      while (!('turnId' in end)) {
        if (end.length > 0 && toEveryQuestion === undefined) throw new Error(`it waits for the owner: ${end.map(({ tool }) => tool).join()}`)
        if (toEveryQuestion !== undefined && end.length > 0) await answer(end, toEveryQuestion)
        end = await control.gateway.waitOrAsked(turnId, AbortSignal.timeout(20_000))
      }
      const result = end
      return { result, events }
    },
    async asked(text, more = {}) {
      const events: TurnEvent[] = []
      const { turnId } = await control.gateway.submit(messageOf(text, more), (event) => events.push(event))
      const end = await control.gateway.waitOrAsked(turnId, AbortSignal.timeout(20_000))
      if ('turnId' in end) throw new Error(`it ended without a question: ${end.text} ${JSON.stringify(end.toolCalls)}`)
      return { turnId, events, approvals: end }
    },
    answer,
    next: (turnId) => control.gateway.waitOrAsked(turnId, AbortSignal.timeout(20_000)),
    forget() {
      reports.length = 0
      logged.length = 0
    },
    async crash() {
      await control.drain(0)
      decisions.close()
      audit.close()
      await store.close()
    },
    async close() {
      await control.drain(0)
      decisions.close()
      audit.close()
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function messageOf(text: string, more: Partial<InboundMessage>): InboundMessage {
  return { door: 'test', sender: { kind: 'owner' }, sessionKey: 'main', parts: [{ type: 'text', text, origin: OWNER }], options: {}, ...more }
}

function recordingLog(lines: string[]): Log {
  const write = (level: string) => (event: string, fields?: object) => void lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`)
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log }
  return log
}

const noNetwork: EgressFetch = () => Promise.reject(new AppError('net/unreachable', 'this gateway has no network'))

const noSettings: Settings = {
  redacted: () => ({}),
  get: () => null,
  explain: (path) => ({ path, value: null, source: 'default', from: null, description: '' }),
  schema: () => ({}),
  hash: null,
  file: '',
}
