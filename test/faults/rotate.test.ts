/** A change of the key, killed at each of its steps: whatever is sealed opens with the old key or with the new one, and the next call ends what was begun. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { sections } from '../../src/app/load-settings.ts'
import { loadConfig } from '../../src/config/load.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { loadAuditKeys } from '../../src/secrets/audit-keys.ts'
import { loadGatewayToken } from '../../src/secrets/gateway-token.ts'
import { sealedFiles } from '../../src/secrets/sealed-files.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { fileStore } from '../doubles/file-store.ts'
import { rotateFolder } from './rotate-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'carapace-rotate-'))
after(() => rmSync(root, { recursive: true, force: true }))
const PROGRAM = resolve(import.meta.dirname, 'rotate-until.ts')
const PASSWORDS = { old: 'the old password', new: 'the new password' }
type Kind = 'file' | 'os' | 'password'

interface Folder {
  readonly state: string
  readonly config: string
  readonly token: string
}

const vaultOf = ({ state }: Folder, password?: string) => createVault(state, password, fileStore(`${state}-store`))

/** A state folder with everything that is sealed, under a key of this kind. */
function made(name: string, kind: Kind): Folder {
  const state = join(root, name)
  const config = join(root, `${name}.json5`)
  const vault = kind === 'file' ? createVault(state) : createVault(state, kind === 'password' ? PASSWORDS.old : undefined, fileStore(`${state}-store`))
  const { token } = loadGatewayToken(vault, state)
  loadAuditKeys(vault, state)
  for (const { file, place } of [sealedFiles.data, sealedFiles.paired]) writeFileSync(join(state, file), vault.seal(place, 'data'), { mode: 0o600 })
  const named = vault.seal('secrets.one.value', 'first secret')
  writeFileSync(
    config,
    `{\n  // kept\n  secrets: { one: { value: '${named}' } },\n  providers: { openai: { apiKey: '${vault.seal('providers.openai.apiKey', 'second secret')}' } },\n}\n`,
    { mode: 0o600 },
  )
  return { state, config, token }
}

async function opens(folder: Folder, password: string | undefined): Promise<void> {
  const vault = vaultOf(folder, password)
  assert.equal(loadGatewayToken(vault, folder.state).token, folder.token)
  loadAuditKeys(vault, folder.state)
  for (const { file, place } of [sealedFiles.data, sealedFiles.paired]) assert.equal(vault.open(place, readFileSync(join(folder.state, file), 'utf8')), 'data')
  const { secrets } = await loadConfig({ file: folder.config, env: {}, sections, open: (path, sealed) => vault.open(path, sealed) })
  assert.deepEqual([...secrets].sort(), ['first secret', 'second secret'])
}

function killedAt({ state, config }: Folder, password: string | undefined, to: Kind, step: number): void {
  const done = spawnSync(process.execPath, [PROGRAM, state, config, password ?? '', to, PASSWORDS.new, String(step)], { encoding: 'utf8' })
  assert.equal(done.signal, 'SIGKILL', done.stderr)
}

const rotate = ({ state, config }: Folder, password: string | undefined, to: Kind, onStep = () => {}) =>
  rotateFolder({ state, config, password, to, newPassword: PASSWORDS.new }, onStep)

const ways = [
  ['file', 'file'],
  ['file', 'os'],
  ['os', 'file'],
  ['os', 'os'],
  ['file', 'password'],
  ['password', 'file'],
  ['password', 'password'],
] as const

describe('a change of the key', () => {
  for (const [from, to] of ways)
    test(`from ${from} to ${to} loses nothing, killed at each of its steps`, { timeout: 120_000 }, async () => {
      const whole = made(`${from}-${to}-whole`, from)
      const oldPassword = from === 'password' ? PASSWORDS.old : undefined
      const newPassword = to === 'password' ? PASSWORDS.new : undefined
      const before = readFileSync(join(whole.state, sealedFiles.token.file), 'utf8')
      let steps = 0
      const { sealedAgain, resumed } = await rotate(whole, oldPassword, to, () => steps++)
      assert.equal(resumed, false)
      assert.deepEqual(sealedAgain, [...Object.values(sealedFiles).map(({ file }) => file), 'secrets.one.value', 'providers.openai.apiKey'])
      await opens(whole, newPassword)
      assert.match(readFileSync(whole.config, 'utf8'), /\/\/ kept/)
      assertOnlyTheNewKey(whole, to)
      if (from !== 'password') assert.throws(() => vaultOf(whole, newPassword).open(sealedFiles.token.place, before), AppError, 'the old key is gone')
      // A password costs half a second each time that it is used.
      const stride = from === 'password' || to === 'password' ? 3 : 1
      for (let step = 1; step <= steps; step += stride) {
        const folder = { ...whole, ...copied(`${from}-${to}`, step, from) }
        killedAt(folder, oldPassword, to, step)
        const begun = existsSync(join(folder.state, 'keys', 'rotation.json'))
        const isOver =
          !begun &&
          readFileSync(join(folder.state, sealedFiles.token.file), 'utf8') !== readFileSync(join(sourceOf(from).state, sealedFiles.token.file), 'utf8')
        // Either key opens everything while both are there; the old one goes last.
        const isOldThere = !isOver && (from !== 'file' || existsSync(join(folder.state, 'keys', 'master.key')))
        const given = isOldThere ? oldPassword : newPassword
        await opens(folder, given)
        if (begun && newPassword !== given) await opens(folder, newPassword)
        const again = await rotate(folder, given, to)
        assert.equal(again.resumed, begun)
        await opens(folder, newPassword)
        // Killed between the new credential and the bridge, the first one is left over: a key of nothing.
        assertOnlyTheNewKey(folder, to, step === 1 && to === 'os' ? 2 : undefined)
      }
    })
})

function copied(name: string, step: number, kind: Kind): Folder {
  const source = sourceOf(kind)
  const state = join(root, `${name}-${step}`)
  cpSync(source.state, state, { recursive: true })
  if (existsSync(`${source.state}-store`)) cpSync(`${source.state}-store`, `${state}-store`, { recursive: true })
  const config = `${state}.json5`
  cpSync(source.config, config)
  return { state, config, token: source.token }
}
const sources = new Map<Kind, Folder>()

function sourceOf(kind: Kind): Folder {
  const source = sources.get(kind) ?? made(`source-${kind}`, kind)
  sources.set(kind, source)
  return source
}

/** Nothing of the old key is left: not in the folder, not in the store, not in what is sealed. */
function assertOnlyTheNewKey({ state }: Folder, to: Kind, credentials = to === 'os' ? 1 : 0): void {
  const expected = { file: ['master.key'], os: ['credential-store.json'], password: ['password.salt'] }[to]
  assert.deepEqual(readdirSync(join(state, 'keys')).sort(), [...expected, 'audit.pub', 'audit.sealed', 'data.sealed'].sort())
  assert.equal(fileStore(`${state}-store`).accounts().length, credentials)
}
