/** The credential store of the system: a real one (gnome-keyring behind a bus of its own) where there is one, and what happens when it is lost. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { loadAuditKeys } from '../../src/secrets/audit-keys.ts'
import { loadGatewayToken } from '../../src/secrets/gateway-token.ts'
import { mayHaveCredentialStore, systemCredentialStore } from '../../src/secrets/os-store/credential-store.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { fileStore } from '../doubles/file-store.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'
import { installPackages } from '../doubles/install-packages.ts'

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'carapace-store-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const isLost = (error: unknown) => error instanceof AppError && error.code === 'secrets/store-lost'

test('where there is a credential store, a new folder keeps its key there and nowhere else', (t) => {
  const state = folder(t)
  const store = fileStore(join(state, '..', `${state}-store`))
  t.after(() => rmSync(`${state}-store`, { recursive: true, force: true }))
  const vault = createVault(state, undefined, store)
  const sealed = vault.seal('a', 'text')
  assert.match(sealed, /^enc:v3:o:[\w-]{16}:[\w-]+:[\w-]+$/)
  assert.equal(vault.kind(), 'os')
  assert.deepEqual(readdirSync(join(state, 'keys')), ['credential-store.json'])
  assert.equal(createVault(state, undefined, store).open('a', sealed), 'text')
  const [account = ''] = store.accounts()
  assert.equal(readFileSync(join(state, 'keys', 'credential-store.json'), 'utf8'), JSON.stringify({ version: 1, id: account }))
})

test('a lost credential store closes the gate: no other key is made, nothing weaker is used', (t) => {
  const state = folder(t)
  const store = fileStore(`${state}-store`)
  t.after(() => rmSync(`${state}-store`, { recursive: true, force: true }))
  const before = createVault(state, undefined, store)
  const { token } = loadGatewayToken(before, state)
  loadAuditKeys(before, state)
  const kept = readdirSync(join(state, 'keys')).sort()
  const refused = (lost: ReturnType<typeof createVault>) => {
    assert.throws(() => loadGatewayToken(lost, state), isLost)
    assert.throws(() => loadAuditKeys(lost, state), isLost)
    assert.throws(() => lost.seal('x', 'y'), isLost)
    assert.deepEqual(readdirSync(join(state, 'keys')).sort(), kept)
  }
  store.isLost = true
  refused(createVault(state, undefined, store))
  refused(createVault(state))
  store.isLost = false
  // It answers again, but forgot.
  const [account = ''] = store.accounts()
  const key = store.read(account)
  store.delete(account)
  refused(createVault(state, undefined, store))
  // Without the note that names it there is no new key either.
  store.write(account, key ?? Buffer.alloc(0))
  rmSync(join(state, 'keys', 'credential-store.json'))
  assert.throws(() => createVault(state, undefined, store).seal('x', 'y'), { code: 'secrets/sealed', message: /missing/ })
  assert.equal(loadGatewayToken(createVault(state, undefined, store), state).token, token, 'what is sealed names its key')
})

test('a store that never answers ends in bounded time', async (t) => {
  const dir = folder(t)
  const path = join(dir, 'bus')
  const silent = createServer((socket) => void socket.on('error', () => undefined))
  await new Promise<void>((done) => silent.listen(path, done))
  t.after(() => silent.close())
  // The server answers nothing while this process waits, which is what a hung one does.
  const store = systemCredentialStore({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` }, 700)
  const startedAt = performance.now()
  assert.throws(() => store.read('x'), isLost)
  assert.ok(performance.now() - startedAt < 5000)
})

test('without a bus, a display and a store nothing is asked', () => {
  assert.equal(mayHaveCredentialStore({}, 'linux'), false)
  assert.equal(mayHaveCredentialStore({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' }, 'linux'), true)
  assert.equal(mayHaveCredentialStore({}, 'darwin'), true)
})

test('a gateway whose store is lost does not start, and says what to do', { timeout: 60_000 }, async (t) => {
  const dir = folder(t)
  const env = cleanEnvironment(dir)
  const store = fileStore(`${dir}-store`)
  t.after(() => rmSync(`${dir}-store`, { recursive: true, force: true }))
  const state = join(dir, 'state')
  loadGatewayToken(createVault(state, undefined, store), state)
  const { code, err } = await startProgram(env).ended
  assert.notEqual(code, 0)
  assert.match(err, /credential store of the system.*does not answer/s)
  assert.match(err, /Start from a session that has it/)
  assert.equal(existsSync(join(state, 'keys', 'master.key')), false)
})

/** A bus and an unlocked keyring of its own, around a script. */
const SESSION = `printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"`

/** Null, or why there is no real store to try. */
function missingStore(): string | null {
  return installPackages(['dbus-run-session', 'gnome-keyring-daemon'], ['dbus', 'gnome-keyring'])
}

test('with a real Secret Service the key lies there: start, doctor, rotate', { timeout: 240_000 }, async (t) => {
  const why = missingStore()
  if (why !== null) return t.skip(why)
  const dir = folder(t)
  const runtime = join(dir, 'run')
  const env = { ...cleanEnvironment(dir), XDG_RUNTIME_DIR: runtime }
  const script = join(dir, 'script.mjs')
  const source = resolve(import.meta.dirname, '../../src')
  writeFileSync(
    script,
    `import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServices } from '${source}/app/services.ts'
const services = createServices(process.env)
const told = {}
const token = await services.token()
told.keys = readdirSync('${dir}/state/keys')
const id = JSON.parse(readFileSync('${dir}/state/keys/credential-store.json', 'utf8')).id
told.doctor = (await services.doctor()).find(({ name }) => name === 'key of the secrets')
told.again = (await services.rotateSecrets(null, null)).kind
told.isOther = JSON.parse(readFileSync('${dir}/state/keys/credential-store.json', 'utf8')).id !== id
told.same = token === (await services.token())
if (process.argv[2] === 'file') {
  told.moved = (await services.rotateSecrets('file', null)).kind
  told.after = readdirSync('${dir}/state/keys')
  told.kept = token === (await services.token())
}
process.stdout.write(JSON.stringify(told))
`,
  )
  spawnSync('mkdir', ['-m', '700', runtime])
  const run = (...args: readonly string[]) =>
    spawnSync('dbus-run-session', ['--', 'sh', '-c', SESSION, 'sh', process.execPath, script, ...args], { env, encoding: 'utf8', timeout: 60_000 })
  const first = run('stay')
  const told: unknown = JSON.parse(first.stdout.slice(first.stdout.indexOf('{')) || '{}')
  assert.partialDeepStrictEqual(told, { keys: ['credential-store.json'], again: 'os', isOther: true, same: true }, first.stderr)
  assert.match(JSON.stringify(told), /in the credential store of the system: it opens what it sealed/)
  // Elsewhere, without it, nothing opens and nothing is made.
  const stranger = await runProgram(['token'], cleanEnvironment(dir)).ended
  assert.notEqual(stranger.code, 0)
  assert.match(stranger.err, /credential store/)
  const second = run('file')
  assert.partialDeepStrictEqual(
    JSON.parse(second.stdout.slice(second.stdout.indexOf('{')) || '{}'),
    { moved: 'file', after: ['master.key'], kept: true },
    second.stderr,
  )
  assert.equal((await runProgram(['token'], cleanEnvironment(dir)).ended).code, 0)
})
