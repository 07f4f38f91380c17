import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { AppError } from '../contracts/errors.ts'
import { createOnce } from './create-once.ts'
import { loadGatewayToken } from './gateway-token.ts'
import { createVault } from './vault.ts'

function stateDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-vault-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what was sealed opens at its place, also for the next process', (t) => {
  const state = stateDir(t)
  fc.assert(
    fc.property(fc.string(), fc.string(), (path, text) => {
      const sealed = createVault(state).seal(path, text)
      assert.match(sealed, /^enc:v3:k:[\w-]+:[\w-]+$/)
      assert.equal(createVault(state).open(path, sealed), text.toWellFormed())
    }),
  )
  assert.equal(statSync(join(state, 'keys')).mode & 0o777, 0o700)
  assert.equal(statSync(join(state, 'keys', 'master.key')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(state, 'keys')), ['master.key'])
})

test('moved, changed or foreign values do not open, and say nothing of the value', (t) => {
  const vault = createVault(stateDir(t))
  const sealed = vault.seal('providers.acme.apiKey', 'sk-secret')
  const refused = (path: string, text: string) => {
    assert.throws(
      () => vault.open(path, text),
      (error) => error instanceof AppError && error.code === 'secrets/sealed' && !error.message.includes('sk-'),
      text,
    )
  }
  refused('providers.other.apiKey', sealed)
  for (let index = 'enc:v3:'.length; index < sealed.length - 1; index++) {
    const other = sealed[index] === 'A' ? 'B' : 'A'
    refused('providers.acme.apiKey', sealed.slice(0, index) + other + sealed.slice(index + 1))
  }
  for (const text of ['', 'enc:v3:', 'enc:v3:k', 'enc:v3:k::', 'enc:v2:k:a:b', 'enc:v3:x:a:b', `enc:v3:k:a:${'b'.repeat(200_000)}`, 'sk-secret'])
    refused('p', text)
  assert.throws(() => createVault(stateDir(t)).open('providers.acme.apiKey', sealed), { code: 'secrets/sealed', message: /master\.key is missing/ })
  const stranger = stateDir(t)
  createVault(stranger).seal('a', 'b')
  assert.throws(() => createVault(stranger).open('providers.acme.apiKey', sealed), { code: 'secrets/sealed', message: /another one/ })
})

test('a password replaces the key file', (t) => {
  const state = stateDir(t)
  const vault = createVault(state, 'correct horse')
  const [one, two] = [vault.seal('a', 'first'), vault.seal('b', 'second')]
  assert.match(one, /^enc:v3:p:65536,3,1,[\w-]{22}:/)
  assert.equal(one.split(':')[3], two.split(':')[3], 'one derivation for all')
  assert.equal(existsSync(join(state, 'keys', 'master.key')), false)
  const again = createVault(state, 'correct horse')
  assert.deepEqual([again.open('a', one), again.open('b', two)], ['first', 'second'])
  assert.throws(() => createVault(state, 'wrong').open('a', one), { code: 'secrets/sealed' })
  assert.throws(() => createVault(state).open('a', one), { code: 'secrets/sealed', hint: /CARAPACE_CONFIG_PASSWORD/ })
  assert.throws(() => again.open('a', one.replace('65536,3', '99999999,3')), { code: 'secrets/sealed', message: /damaged/ })
  assert.throws(() => again.open('a', one.replace('65536,3', '65536,99')), { code: 'secrets/sealed', message: /damaged/ })
})

test('a key that others may read, and a link in its place, are refused', { skip: process.getuid === undefined }, (t) => {
  const state = stateDir(t)
  const vault = createVault(state)
  const sealed = vault.seal('a', 'b')
  const key = join(state, 'keys', 'master.key')
  chmodSync(key, 0o640)
  assert.throws(() => vault.open('a', sealed), { code: 'secrets/sealed', hint: /chmod 600/ })
  rmSync(key)
  const elsewhere = join(state, 'elsewhere')
  writeFileSync(elsewhere, Buffer.alloc(32), { mode: 0o600 })
  symlinkSync(elsewhere, key)
  assert.throws(() => vault.seal('a', 'b'), { code: 'secrets/sealed' })
})

test('the token is made once, sealed, and opened again', (t) => {
  const state = stateDir(t)
  const first = loadGatewayToken(createVault(state), state)
  assert.match(first.token, /^cara_[\w-]{43}$/)
  assert.equal(first.isMade, true)
  assert.deepEqual(loadGatewayToken(createVault(state), state), { ...first, isMade: false })
  const file = join(state, 'gateway-token.sealed')
  assert.equal(readFileSync(file, 'utf8').includes(first.token), false)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  writeFileSync(file, 'enc:v3:k:a:b')
  assert.throws(() => loadGatewayToken(createVault(state), state), { code: 'secrets/sealed', hint: /Delete the file/ })
})

test('a token from the environment wins, unless it is weak', (t) => {
  const state = stateDir(t)
  const vault = createVault(state)
  assert.deepEqual(loadGatewayToken(vault, state, 'x'.repeat(16)), { token: 'x'.repeat(16), source: 'environment', isMade: false })
  assert.throws(() => loadGatewayToken(vault, state, 'short'), { code: 'config/invalid' })
  assert.throws(() => loadGatewayToken(vault, state, 'with spaces and more'), { code: 'config/invalid' })
  assert.equal(loadGatewayToken(vault, state, '').source, 'state')
})

test('when two make a file at once, both get the first', (t) => {
  const path = join(stateDir(t), 'deep', 'file')
  const slow = createOnce(path, () => {
    // Another process is faster, between our look and our writing.
    assert.equal(createOnce(path, () => 'faster').toString(), 'faster')
    return 'slower'
  })
  assert.equal(slow.toString(), 'faster')
  assert.deepEqual(readdirSync(join(path, '..')), ['file'])
})
