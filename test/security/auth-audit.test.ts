/** `cara security audit`: each fault is made, seen, mended by the very command that the finding gives, and not seen any more. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { examineSecurity, securityChecks } from '../../src/app/security-audit/examine.ts'
import { createServices } from '../../src/app/services.ts'
import { runCli } from '../../src/cli/main.ts'
import { resolvePaths, type Paths } from '../../src/config/paths.ts'
import { openStore } from '../../src/store/open-store.ts'
import { cara, fakeTerminal } from '../journeys/cli-fixture.ts'

const shell = promisify(execFile)
const SAFE = { nodeVersion: '99.0.0' }
const DAY = 24 * 3_600_000

interface Home extends AsyncDisposable {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly paths: Paths
  /** The ids of what is found. */
  look(more?: { readonly env?: Readonly<Record<string, string>>; readonly nodeVersion?: string }): Promise<readonly string[]>
  /** Types the fix of a finding. */
  mend(check: string): Promise<void>
  config(value: object): Promise<void>
}

async function makeHome(): Promise<Home> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-audit-')))
  const env = { HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'config', 'carapace.json5') }
  const paths = resolvePaths(env)
  await mkdir(join(folder, 'config'), { mode: 0o700 })
  const config = (value: object) => writeFile(paths.configFile, JSON.stringify({ providers: { demo: { enabled: false } }, ...value }), { mode: 0o600 })
  await config({})
  await createServices(env).token()
  const examine = (more = {}) => examineSecurity({ env, paths, ...SAFE, ...more })
  return {
    folder,
    env,
    paths,
    config,
    look: async (more = {}) => (await examine({ ...more, env: { ...env, ...more.env } })).map(({ check }) => check),
    async mend(check) {
      const { fix = '' } = (await examine()).find((finding) => finding.check === check) ?? {}
      const words = [...fix.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
      if (words[0] !== 'cara') return void (await shell('sh', ['-c', fix]))
      const io = fakeTerminal()
      if (fix === 'cara auth password') io.input.end('correct horse battery\n')
      assert.equal(await runCli(words.slice(1), { io, env, version: '1', services: createServices(env) }), 0, `${fix}: ${io.err()}`)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

interface Fault {
  readonly check: string
  readonly make: (home: Home) => unknown
  /** Where the finding's own command does not do in a test. */
  readonly mend?: (home: Home) => unknown
}

const withConfig =
  (value: object | ((home: Home) => object)): Fault['make'] =>
  (home) =>
    home.config(typeof value === 'function' ? value(home) : value)

const faults: readonly Fault[] = [
  { check: 'file-modes', make: ({ paths }) => chmod(join(paths.stateDir, 'keys'), 0o755) },
  { check: 'config-mode', make: ({ paths }) => chmod(paths.configFile, 0o644) },
  {
    check: 'state-synced',
    make: ({ folder }) => mkdir(join(folder, '.stfolder')),
    mend: ({ folder }) => rm(join(folder, '.stfolder'), { recursive: true }),
  },
  { check: 'key-copies', make: ({ paths }) => writeFile(join(paths.stateDir, 'keys', 'master.key.bak'), 'x', { mode: 0o600 }) },
  {
    check: 'roots-writable',
    make: async (home) => {
      await mkdir(join(home.folder, 'notes'))
      await chmod(join(home.folder, 'notes'), 0o777)
      await home.config({ filesystem: { roots: [join(home.folder, 'notes')] } })
    },
  },
  { check: 'roots-hold-state', make: withConfig(({ folder }) => ({ filesystem: { roots: [folder, join(folder, 'elsewhere')] } })) },
  { check: 'exposed', make: withConfig({ gateway: { host: '0.0.0.0' } }) },
  { check: 'hosts-wide', make: withConfig({ gateway: { allowedHosts: ['*.example.com', 'a.example'] } }) },
  { check: 'origins-wide', make: withConfig({ gateway: { allowedOrigins: ['http://page.example', 'https://good.example'] } }) },
  { check: 'proxies-wide', make: withConfig({ gateway: { trustedProxies: ['0.0.0.0/0', '10.0.0.1'] } }) },
  { check: 'lock-out-loose', make: withConfig({ gateway: { failedAuthLimit: 100_000 } }) },
  { check: 'secrets-plain', make: withConfig({ providers: { demo: { enabled: false }, openai: { apiKey: 'sk-plain-0123456789' } } }) },
  {
    check: 'password-weak',
    make: ({ paths }) =>
      writeFile(join(paths.stateDir, 'keys', 'gateway-password'), `$argon2id$v=19$m=1024,t=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}\n`, { mode: 0o600 }),
  },
  {
    check: 'devices-unused',
    make: ({ paths }) => inStore(paths, (devices) => devices.save(oldDevice, [])),
    mend: ({ paths }) => inStore(paths, (devices) => devices.touch(oldDevice.id, Date.now())),
  },
  { check: 'exec-unsandboxed', make: withConfig({ exec: { sandbox: 'unsandboxed' } }) },
  { check: 'approvals-mode', make: withConfig({ approvals: { mode: 'shadow' } }) },
  { check: 'injection-unseen', make: withConfig({ guard: { injection: 'off' } }) },
  { check: 'classifier-open', make: withConfig({ guard: { classifier: { model: 'demo:demo', mode: 'block', onError: 'open' } } }) },
  { check: 'demo-enabled', make: withConfig({ providers: {} }) },
]

const oldDevice = {
  id: 'a'.repeat(64),
  publicKey: 'k',
  name: 'old phone',
  scopes: ['operator.read'],
  tokenHash: 'h',
  tokenExpiresAt: Date.now() + DAY,
  claimUntil: null,
  approvedBy: 'owner',
  createdAt: Date.now() - 200 * DAY,
  lastUsedAt: Date.now() - 91 * DAY,
  revokedAt: null,
  version: 0,
} as const

async function inStore(paths: Paths, work: (devices: Awaited<ReturnType<typeof openStore>>['devices']) => Promise<unknown>): Promise<void> {
  const store = await openStore({ path: paths.database, synchronous: 'normal' })
  await work(store.devices)
  await store.close()
}

for (const { check, make, mend } of faults) {
  test(`${check} is found, and not after its fix`, async () => {
    await using home = await makeHome()
    assert.ok(!(await home.look()).includes(check), 'before')
    await make(home)
    assert.ok((await home.look()).includes(check), 'with the fault')
    await (mend === undefined ? home.mend(check) : mend(home))
    assert.ok(!(await home.look()).includes(check), 'after the fix')
  })
}

test('a gateway that never did anything wrong has no finding', async () => {
  await using home = await makeHome()
  const running = await createServices({ ...home.env, CARAPACE_PORT: '0' }).startGateway({})
  assert.deepEqual(await home.look(), [])
  await running.stop()
  assert.deepEqual(await home.look(), [])
})

test('token-weak, secrets-in-environment and node-old are found in what the service runs with', async () => {
  await using home = await makeHome()
  const weak = { env: { CARAPACE_GATEWAY_TOKEN: 'aaaaaaaaaaaaaaaa' } }
  assert.deepEqual(await home.look(weak), ['token-weak', 'secrets-in-environment'])
  assert.deepEqual(await home.look({ env: { CARAPACE_GATEWAY_TOKEN: 'cara_Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg' } }), ['secrets-in-environment'])
  assert.deepEqual(await home.look({ nodeVersion: '26.10.0' }), ['node-old'])
  assert.deepEqual(await home.look({ nodeVersion: '26.12.1' }), [])
})

test('node-options that open the memory of the gateway, or run code in it, are found', async () => {
  await using home = await makeHome()
  const dangerous = [
    '--inspect',
    '--max-old-space-size=512 --inspect-brk=0.0.0.0:9229',
    '--heapsnapshot-signal=SIGUSR2',
    '--report_on_signal',
    '--require ./x.js',
    '-r ./x.js',
    '"--import" ./x.mjs',
  ]
  for (const options of dangerous) assert.deepEqual(await home.look({ env: { NODE_OPTIONS: options } }), ['node-options'], options)
  for (const options of ['', '--max-old-space-size=512', '--no-warnings --requirements'])
    assert.deepEqual(await home.look({ env: { NODE_OPTIONS: options } }), [], options)
})

test('an audit-trail that was changed, or is gone, is found', async () => {
  await using home = await makeHome()
  const running = await createServices({ ...home.env, CARAPACE_PORT: '0' }).startGateway({})
  await running.stop()
  const file = join(home.paths.audit, 'receipts.jsonl')
  const whole = readFileSync(file, 'utf8')
  writeFileSync(file, whole.replace('gateway-started', 'gateway-starteD'))
  assert.deepEqual(await home.look(), ['audit-trail'])
  writeFileSync(file, whole)
  assert.deepEqual(await home.look(), [])
  await rm(home.paths.audit, { recursive: true })
  assert.deepEqual(await home.look(), ['audit-trail'])
})

test('what cannot be looked at is a finding', async () => {
  await using home = await makeHome()
  await writeFile(join(home.paths.stateDir, 'keys', 'gateway-password'), 'damaged', { mode: 0o600 })
  assert.deepEqual(await home.look(), ['password-weak'])
  await writeFile(home.paths.configFile, '{ nonsense: 1 }')
  assert.deepEqual(await home.look(), ['configuration'])
})

test('every check has a test, and the command says what it found', async () => {
  const elsewhere = ['token-weak', 'secrets-in-environment', 'node-old', 'node-options', 'audit-trail']
  assert.deepEqual(securityChecks.map(({ id }) => id).sort(), [...faults.map(({ check }) => check), ...elsewhere].sort())
  const finding = { check: 'exposed', severity: 'critical', detail: 'it listens\u001b[2J', fix: "cara config set gateway.host '127.0.0.1'" } as const
  const shown = await cara(['security', 'audit'], { security: [finding] })
  assert.deepEqual(shown, {
    code: 1,
    out: "[CRITICAL] exposed: it listens[2J\n       fix: cara config set gateway.host '127.0.0.1'\n3 checks, 1 finding\n",
    err: '',
  })
  assert.equal((await cara(['security', 'audit'], { security: [{ ...finding, severity: 'low' }] })).code, 0)
  assert.deepEqual(JSON.parse((await cara(['security', 'audit', '--json'], { security: [finding] })).out), { findings: [finding], checks: 3 })
})
