/** The command line over a real server with a scripted gateway, and a terminal that a test can read and type on. */
import { PassThrough } from 'node:stream'
import type {
  AuditLine,
  CliContext,
  CliServices,
  DatabaseInfo,
  Finding,
  GatewayTarget,
  ProviderOffer,
  SecurityFinding,
  StartOptions,
  Terminal,
} from '../../src/cli/context.ts'
import { runCli } from '../../src/cli/main.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { Secret } from '../../src/contracts/secret.ts'
import type { Settings } from '../../src/contracts/settings.ts'
import { connectGateway } from '../../src/net/gateway-client.ts'
import type { AuditVerdict } from '../../src/telemetry/audit/verify.ts'
import { TOKEN, type OpenDoors } from '../doubles/open-doors.ts'

export interface FakeTerminal extends Terminal {
  readonly input: PassThrough
  out(): string
  err(): string
  signal(name: 'SIGINT' | 'SIGTERM'): void
  /** Resolves once the output holds the text. */
  shows(text: string): Promise<void>
}

export function fakeTerminal(options: { readonly isTerminal?: boolean; readonly color?: boolean } = {}): FakeTerminal {
  const isTerminal = options.isTerminal ?? false
  let out = ''
  let err = ''
  const waiting = new Set<() => void>()
  const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>()
  const take = (text: string) => {
    out += text
    for (const check of waiting) check()
  }
  const output = new PassThrough()
  output.on('data', (chunk: Buffer) => take(chunk.toString()))
  return {
    write: take,
    writeError: (text) => (err += text),
    isTerminal,
    isInputTerminal: isTerminal,
    columns: 80,
    color: options.color ?? false,
    input: new PassThrough(),
    output,
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    out: () => out,
    err: () => err,
    signal(name) {
      for (const listener of listeners) listener(name)
    },
    async shows(text) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const check = () => out.includes(text) && resolve()
      waiting.add(check)
      check()
      await promise.finally(() => waiting.delete(check))
    },
  }
}

export interface FakeServices extends CliServices {
  /** What was changed, in order. */
  readonly changes: (readonly [path: string, value: string | null])[]
  readonly started: StartOptions[]
  readonly stopped: () => number
}

export interface FakeWorld {
  /** The gateway that runs already. */
  readonly running?: OpenDoors
  /** What `startGateway` brings up. */
  readonly startable?: OpenDoors
  /** How often another process holds the state folder before `startGateway` works. */
  readonly lockedTimes?: number
  readonly findings?: readonly Finding[]
  /** Of the database. */
  readonly problems?: readonly string[]
  readonly security?: readonly SecurityFinding[]
  readonly audit?: { readonly verdict?: AuditVerdict; readonly receipts?: readonly AuditLine[] }
  readonly settings?: () => Promise<Settings>
  readonly tryProvider?: CliServices['tryProvider']
  /** Holds `stop` of a started gateway back. */
  readonly stopWhen?: Promise<void>
}

export const OFFERS: readonly ProviderOffer[] = [
  {
    id: 'anthropic',
    summary: 'Anthropic',
    fields: [
      { path: 'apiKey', label: 'API key', secret: true, required: true, env: 'ANTHROPIC_API_KEY' },
      { path: 'baseUrl', label: 'Base URL', secret: false, required: false },
    ],
  },
  { id: 'ollama', summary: 'Ollama', fields: [{ path: 'baseUrl', label: 'Base URL', secret: false, required: false, env: 'OLLAMA_BASE_URL' }] },
]

const MEMBERS = [{ path: 'database/carapace.db', size: 4096 }]
const DATABASE: DatabaseInfo = {
  engine: 'sqlite',
  schema: 3,
  newest: 4,
  bytes: 5000,
  texts: 'plain',
  tables: [{ table: 'turns', rows: 7, kept: 'retention.turnDays: 90 days' }],
  backups: [{ file: '/home/o/state/backups/old.db', bytes: 4096 }],
}

export function fakeServices(world: FakeWorld = {}): FakeServices {
  const changes: [string, string | null][] = []
  const started: StartOptions[] = []
  let stopped = 0
  return {
    changes,
    started,
    stopped: () => stopped,
    paths: () => ({ configFile: '/home/o/carapace.json5', stateDir: '/home/o/state', logFile: '/home/o/state/cara.log', database: '/home/o/state/cara.db' }),
    settings: world.settings ?? (() => Promise.resolve(fakeSettings())),
    async setConfig(path, value) {
      changes.push([path, value])
    },
    async unsetConfig(path) {
      changes.push([path, null])
    },
    async startGateway(options) {
      started.push(options)
      const doors = world.startable
      if (started.length <= (world.lockedTimes ?? 0)) throw new AppError('state/locked')
      if (doors === undefined) throw new AppError('state/unwritable')
      const ended = Promise.withResolvers<void>()
      return {
        url: doors.url,
        model: { name: 'scripted:model', source: 'config', demo: false },
        warnings: [],
        stopped: ended.promise,
        async stop() {
          await world.stopWhen
          stopped++
          ended.resolve()
        },
      }
    },
    connect: (target) => connect(target, world),
    providers: () => Promise.resolve(OFFERS),
    tryProvider: world.tryProvider ?? (() => Promise.resolve(['big-model', 'small-model'])),
    token: () => Promise.resolve(TOKEN),
    async setPassword(password) {
      changes.push(['(password)', password])
    },
    pair: () => Promise.resolve(),
    rotateToken: () => Promise.resolve(`${TOKEN}-new`),
    secrets: () => Promise.resolve({ keyKind: 'file', secrets: [] }),
    async setSecret(name, value) {
      changes.push([name, value])
      return name
    },
    async deleteSecret(name) {
      changes.push([name, null])
      return name
    },
    allowSecret: (_name, host) => Promise.resolve([host]),
    sealSecrets: () => Promise.resolve([]),
    rotateSecrets: (to) => Promise.resolve({ kind: to ?? 'file', resumed: false, sealedAgain: [], warnings: [] }),
    auditVerify: () =>
      Promise.resolve(world.audit?.verdict ?? { fault: null, warnings: [], waiting: 0, files: 1, lines: 3, anchor: `3:${'h'.repeat(43)}`, key: 'key' }),
    auditShow: ({ kind, turn }) =>
      Promise.resolve(
        (world.audit?.receipts ?? []).filter((receipt) => (kind === null || receipt.kind === kind) && (turn === null || receipt['turn'] === turn)),
      ),
    securityAudit: () => Promise.resolve({ findings: world.security ?? [], checks: 3 }),
    backUp: ({ output }) =>
      Promise.resolve({ file: output, bytes: 5000, sealed: false, holds: ['the database (schema 3)'], lacks: ['logs'], members: MEMBERS }),
    restore: () => Promise.resolve({ createdAt: 0, version: '1.0.0', holds: ['the database (schema 3)'], members: MEMBERS, warnings: [] }),
    checkDatabase: () => Promise.resolve({ problems: world.problems ?? [], ...DATABASE }),
    databaseInfo: () => Promise.resolve(DATABASE),
    doctor: () => Promise.resolve(world.findings ?? []),
  }
}

function connect({ port }: GatewayTarget, { running, startable }: FakeWorld) {
  const doors = port === undefined ? running : [running, startable].find((one) => one?.port === port)
  if (port === undefined && doors === undefined) return Promise.reject(new AppError('gateway/unreachable', undefined, { hint: 'Start one with: cara start' }))
  return connectGateway({ url: `http://127.0.0.1:${doors?.port ?? port}`, token: new Secret(TOKEN), version: '1.2.3', signal: AbortSignal.timeout(10_000) })
}

export function fakeSettings(): Settings {
  return {
    redacted: () => ({ gateway: { port: 18_789 }, providers: { openai: { apiKey: '[secret]' } } }),
    get(path) {
      if (path === 'gateway.port') return 18_789
      if (path === 'agent.model') return 'openai:gpt-5.5'
      throw new AppError('config/unknown-key', `${path}. Did you mean gateway.port?`)
    },
    explain: (path) => ({ path, value: null, source: 'default', from: null, description: `About ${path}` }),
    schema: () => ({ type: 'object' }),
    hash: 'abc',
    file: '/home/o/carapace.json5',
  }
}

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function cara(
  argv: readonly string[],
  world: FakeWorld & { readonly env?: CliContext['env']; readonly services?: FakeServices; readonly io?: FakeTerminal } = {},
): Promise<Outcome> {
  const io = world.io ?? fakeTerminal()
  const code = await runCli(argv, { io, env: world.env ?? {}, version: '1.2.3', services: world.services ?? fakeServices(world) })
  return { code, out: io.out(), err: io.err() }
}
