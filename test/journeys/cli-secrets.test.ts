/** `cara secrets`, as its owner uses it: a real program, a real file, a real gateway. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { resolvePaths } from '../../src/config/paths.ts'
import { loadSettings } from '../../src/app/load-settings.ts'
import { openSecrets } from '../../src/app/secrets.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'

const MAIN = resolve(import.meta.dirname, '../../src/app/main.ts')
const CANARY = 'canary-value-41b7"${HOME}\'x'

function setUp(t: TestContext, file?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-secrets-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const env = cleanEnvironment(folder)
  const config = join(folder, 'carapace.json5')
  if (file !== undefined) writeFileSync(config, file, { mode: 0o600 })
  const cara = async (args: readonly string[], input = '', more: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, [MAIN, 'secrets', ...args], { env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdin.end(input)
    await once(child, 'close')
    return { code: child.exitCode, out, err }
  }
  const load = async (more: Readonly<Record<string, string>> = {}) => {
    const given = { ...env, ...more }
    return (await loadSettings(given, resolvePaths(given), [], openSecrets(given, resolvePaths(given)))).config
  }
  return { folder, env, config, cara, load, read: () => readFileSync(config, 'utf8') }
}

test('set takes a value from stdin as it is, seals it, and list never shows one', async (t) => {
  const { cara, load, read, config } = setUp(t)
  const set = await cara(['set', 'github', '--host', 'api.github.com', '--host', 'uploads.github.com:8443'], `${CANARY}\n`)
  assert.deepEqual([set.code, set.out, set.err], [0, 'sealed secrets.github.value\n', ''])
  assert.match(read(), /enc:v3:k:/)
  assert.equal(statSync(config).mode & 0o777, 0o600)
  const { secrets } = await load()
  assert.equal(secrets['github']?.value.reveal(), CANARY)
  assert.deepEqual(secrets['github'].hosts, ['api.github.com', 'uploads.github.com:8443'])
  assert.deepEqual((await cara(['allow', 'github', 'API2.github.com'])).out, 'github: api.github.com, uploads.github.com:8443, api2.github.com\n')
  assert.equal((await cara(['allow', 'github', 'https://x'])).code, 4)
  await cara(['set', 'providers.openai.apiKey'], 'sk-canary-2')
  const list = await cara(['list', '--json'], '', { ANTHROPIC_API_KEY: 'sk-canary-3' })
  assert.partialDeepStrictEqual(JSON.parse(list.out), {
    keyKind: 'file',
    secrets: [
      { name: 'github', form: 'sealed', use: 'api.github.com, uploads.github.com:8443, api2.github.com' },
      { name: 'providers.openai.apiKey', form: 'sealed' },
      { name: 'providers.anthropic.apiKey', form: 'environment', from: 'ANTHROPIC_API_KEY' },
    ],
  })
  const plain = await cara(['list'])
  for (const text of [list.out, plain.out, read()]) assert.doesNotMatch(text, /canary/)
  assert.equal((await cara(['delete', 'github'])).out, 'deleted secrets.github\n')
  assert.doesNotMatch(read(), /github/)
  assert.equal((await cara(['delete', 'github'])).code, 2)
  assert.equal((await cara(['set', 'gateway.port'], 'x')).code, 2)
  assert.equal((await cara(['set', 'a b'], 'x')).code, 2)
  assert.equal((await cara(['set', 'empty'], '\n')).code, 2)
})

test('a plain secret is told at start, in doctor and in the log, and one command seals it in place', { timeout: 60_000 }, async (t) => {
  const file = `// mine
{
  providers: { openai: { apiKey: 'sk-canary-plain-0001', /* keep me */ baseUrl: 'http://127.0.0.1:9/v1' } }, // here too
  secrets: {
    one: { value: "canary-plain-0002", hosts: ['a.example'] }, // first
    two: { value: '\${HOME}' },
  },
}
`
  const { cara, env, read, load, folder } = setUp(t, file)
  const gateway = startProgram(env)
  await gateway.ready()
  gateway.child.kill('SIGTERM')
  const { err } = await gateway.ended
  const warning = /providers\.openai\.apiKey, secrets\.one\.value stand in \S+ as plain text: `cara secrets seal` seals them/
  assert.match(err, new RegExp(`warning: ${warning.source}`))
  assert.match(readFileSync(join(folder, 'state', 'logs', 'gateway.log'), 'utf8'), warning)
  const doctor = await runProgram(['doctor'], env).ended
  assert.match(doctor.out, warning)
  assert.match(doctor.out, /key of the secrets: a file in the state folder: it opens what it sealed/)
  for (const text of [err, doctor.out, doctor.err]) assert.doesNotMatch(text, /canary/)
  const sealed = await cara(['seal'])
  assert.equal(sealed.out, 'sealed providers.openai.apiKey\nsealed secrets.one.value\n')
  assert.equal(read().replaceAll(/['"]enc:v3:[^'"]+['"]/g, 'S'), file.replace("'sk-canary-plain-0001'", 'S').replace('"canary-plain-0002"', 'S'))
  assert.equal((await load()).secrets['one']?.value.reveal(), 'canary-plain-0002')
  assert.equal((await cara(['seal'])).out, 'no secret stands there as plain text\n')
  assert.doesNotMatch((await runProgram(['doctor'], env).ended).out, /plain text/)
})

test('rotate needs the gateway to be stopped, and moves everything to a password and back', { timeout: 120_000 }, async (t) => {
  const { cara, env, load } = setUp(t)
  const password = 'quiet marmot lantern 42'
  await cara(['set', 'one'], 'canary-one')
  const gateway = startProgram(env)
  await gateway.ready()
  const token = (await runProgram(['token'], env).ended).out
  const busy = await cara(['rotate'])
  assert.notEqual(busy.code, 0)
  assert.match(busy.err, /Another gateway uses this state folder/)
  gateway.child.kill('SIGTERM')
  await gateway.ended
  assert.match((await cara(['rotate', '--to', 'password'], 'short')).err, /10 characters/)
  const rotated = z
    .object({ kind: z.string(), sealedAgain: z.array(z.string()) })
    .parse(JSON.parse((await cara(['rotate', '--to', 'password', '--json'], `${password}\n`)).out))
  assert.deepEqual(rotated, { kind: 'password', sealedAgain: ['gateway-token.sealed', 'keys/audit.sealed', 'secrets.one.value'] })
  const without = await runProgram(['token'], env).ended
  assert.notEqual(without.code, 0)
  assert.match(without.err, /CARAPACE_CONFIG_PASSWORD/)
  // Without the password nothing is sealed with something weaker either.
  assert.match((await cara(['set', 'two'], 'x')).err, /CARAPACE_CONFIG_PASSWORD/)
  const given = { CARAPACE_CONFIG_PASSWORD: password }
  assert.equal((await runProgram(['token'], { ...env, ...given }).ended).out, token)
  assert.equal((await load(given)).secrets['one']?.value.reveal(), 'canary-one')
  assert.match((await cara(['rotate', '--to', 'file'], '', given)).out, /unset CARAPACE_CONFIG_PASSWORD/)
  assert.equal((await runProgram(['token'], env).ended).out, token)
  assert.equal((await runProgram(['audit', 'verify'], env).ended).code, 0)
})
