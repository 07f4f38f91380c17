/** The real server on a free port of loopback, before a scripted gateway. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWrites } from '../../src/app/writes.ts'
import { createCredentials, type OwnCredentials } from '../../src/app/credentials.ts'
import { coreSections, type CoreConfig } from '../../src/config/schema.ts'
import { AppError } from '../../src/contracts/errors.ts'
import type { AuditTrail } from '../../src/contracts/audit.ts'
import type { LogTail } from '../../src/contracts/log.ts'
import type { Principal } from '../../src/contracts/principal.ts'
import type { Settings } from '../../src/contracts/settings.ts'
import { createSchedule, type ScheduleControl } from '../../src/gateway/schedule/create-schedule.ts'
import { JobBook } from '../../src/gateway/schedule/job-book.ts'
import { TaskBook } from '../../src/gateway/schedule/task-book.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Announcer } from '../../src/gateway/announce.ts'
import { createOutboxDesk } from '../../src/gateway/outbox/outbox-desk.ts'
import { Access } from '../../src/guard/identity/access.ts'
import type { CheckpointReport } from '../../src/guard/stage.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { createServer, type GatewayServer } from '../../src/server/server.ts'
import type { ServerDeps } from '../../src/server/server-deps.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { openStore } from '../../src/store/open-store.ts'
import { recordedLog } from './recorded-log.ts'
import { taskBookOver } from './task-book.ts'
import { createScriptedGateway, type ScriptedGateway } from './scripted-gateway.ts'

export const TOKEN = 'cara_owner_token_0123456789'
export const READER_TOKEN = 'cara_reader_token_012345678'

const principals: readonly (readonly [token: string, principal: Principal])[] = [
  [TOKEN, { id: 'owner', scopes: ['operator.admin'], credential: 'token:owner' }],
  [READER_TOKEN, { id: 'reader', scopes: ['operator.read'], credential: 'token:reader' }],
]

export interface OpenDoors extends AsyncDisposable {
  readonly server: GatewayServer
  readonly port: number
  readonly url: string
  readonly gateway: ScriptedGateway
  readonly access: Access
  readonly credentials: OwnCredentials
  /** Its state folder. */
  readonly folder: string
  readonly reports: readonly CheckpointReport[]
  readonly settings: Settings
  readonly logLines: ReturnType<typeof followableLog>
  /** One request on a connection of its own, with the owner's token unless `headers` says otherwise. */
  ask(path: string, more?: Ask): Promise<Answer>
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** `null` sends none. */
  readonly token?: string | null
}
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const unkeptTrail: AuditTrail = { note: () => undefined, keep: async () => undefined, mac: (text) => text, faults: () => [] }

export async function openDoors(config: Partial<CoreConfig['gateway']> = {}, more: Partial<ServerDeps> = {}): Promise<OpenDoors> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-doors-'))
  const store = await openStore({ path: join(folder, 'store.db'), synchronous: 'normal' })
  const gateway = createScriptedGateway(store, Date.now())
  const reports: CheckpointReport[] = []
  const logLines = followableLog()
  const settings = fixedSettings()
  const gatewayConfig = { ...coreSections.gateway.parse({}), ...config }
  const access = new Access(principals, { failedAuthLimit: gatewayConfig.failedAuthLimit, now: more.now ?? (() => Date.now()) })
  const now = more.now ?? (() => Date.now())
  const credentials = createCredentials({
    access,
    vault: createVault(folder),
    stateDir: folder,
    givenToken: undefined,
    token: TOKEN,
    secrets: createSecretRegistry(),
    audit: noAudit,
    store: store.devices,
    now,
  })
  const server = createServer({
    gateway,
    undo: createWrites(store, { undo: join(folder, 'undo') }, coreSections.undo.parse({}), unkeptTrail, () => Date.now(), taskBookOver(store, unkeptTrail, now))
      .undo,
    forgetOld: async () => ({}),
    erase: (key) => store.eraseConversation(key, { copies: join(folder, 'undo'), backups: join(folder, 'backups') }),
    settings,
    sharedSettings: null,
    messages: noMessages,
    ...scheduleOver(gateway, now),
    outbox: createOutboxDesk({
      outbox: { destinations: [], pausedUntil: () => 0, resume: () => undefined },
      store: store.outbox,
      audit: unkeptTrail,
      clock: { now: () => 5000 },
    }),
    logs: logLines.tail,
    log: recordedLog().log,
    config: gatewayConfig,
    access,
    credentials,
    readForwarded: null,
    holdConnectionMs: 60_000,
    tailnet: null,
    report: (report) => reports.push(report),
    version: '1.2.3',
    now: () => Date.now(),
    ...more,
  })
  const { port } = await server.listen('127.0.0.1', 0)
  let isOpen = true
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    gateway,
    access,
    credentials,
    folder,
    reports,
    settings,
    logLines,
    ask: (path, options) => ask(port, path, options),
    async [Symbol.asyncDispose]() {
      if (!isOpen) return
      isOpen = false
      await server.close(0)
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body, token = TOKEN }: Ask = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false, headers: { ...authorization, ...type, ...headers } })
  request.on('error', reject)
  request.on('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }))
  })
  request.end(body)
  return promise
}

const noAudit: AuditTrail = { note: () => undefined, keep: () => Promise.resolve(), mac: (text) => text, faults: () => [] }

function followableLog() {
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  const tail: LogTail = {
    tail: (count) => lines.slice(-count),
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    tail,
    followers: () => listeners.size,
    write(line: string) {
      lines.push(line)
      for (const listener of listeners) listener(line)
    },
  }
}

function fixedSettings(): Settings {
  return {
    redacted: () => ({ gateway: { port: 1 }, providers: { openai: { apiKey: '[secret]' } } }),
    get: (path) => `value of ${path}`,
    explain: (path) => ({ path, value: null, source: 'default', from: null, description: '' }),
    schema: () => ({ type: 'object' }),
    hash: 'abc',
    file: '/tmp/config.json5',
  }
}

/** Runs nothing by itself. */
function scheduleOver(gateway: ScriptedGateway, now: () => number): Pick<ScheduleControl, 'jobs' | 'tasks' | 'work'> {
  const { log } = recordedLog()
  const config = coreSections.cron.parse({})
  const book = new JobBook({ store: gateway.store.jobs, config, destinations: [], timeZone: 'Europe/Berlin', audit: noAudit, now, log })
  const clock = { ...systemClock, now }
  const files = { roots: [], excludePatterns: [], maxReadBytes: 1, writeAccess: false, protectedPaths: [] }
  const conditions = { memory: gateway.store.memory, files, fetch: () => Promise.reject(new AppError('net/unreachable')), timeZone: 'UTC' }
  const deps = {
    gateway,
    store: gateway.store,
    book,
    taskBook: new TaskBook({ store: gateway.store.tasks, config, timeZone: 'Europe/Berlin', audit: noAudit, now, log }),
    conditions,
    announcer: noMessages,
    config,
    isBrief: true,
    maySend: () => true,
    clock,
    monotonic: now,
    log,
  }
  const { jobs, tasks, work } = createSchedule(deps)
  return { jobs, tasks, work }
}

const noMessages: Announcer = { destinations: [], announce: () => Promise.reject(new AppError('message/unknown-destination')) }
