import assert from 'node:assert/strict'
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { optional } from '../contracts/fields.ts'
import { secretSchema } from '../contracts/secret.ts'
import { setConfig, unsetConfig, type EditOptions } from './edit.ts'
import { loadConfig } from './load.ts'
import type { Sections } from './schema.ts'

const acme = z.strictObject({ apiKey: optional(secretSchema, 'Key'), baseUrl: z.string().optional().describe('Address') })
const sections: Sections = {
  acme: { schema: acme, env: { ACME_KEY: 'apiKey' } },
  named: { schema: z.record(z.string().regex(/^[a-z]+$/), acme).default({}), env: {} },
}

async function setUp(t: TestContext, text: string | null) {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-edit-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'deep', 'carapace.json5')
  const options: EditOptions = {
    file: text === null ? file : join(folder, 'carapace.json5'),
    env: {},
    sections,
    seal: (path, secret) => `enc:v3:${path}:${Buffer.from(secret).toString('hex')}`,
    open: (path, sealed) => Buffer.from(sealed.slice(`enc:v3:${path}:`.length), 'hex').toString(),
  }
  if (text !== null) await writeFile(options.file, text)
  return {
    options,
    folder,
    set: (path: string, value: string) => setConfig(options, path, value),
    unset: (path: string) => unsetConfig(options, path),
    read: () => readFile(options.file, 'utf8'),
    load: () => loadConfig(options),
  }
}

const COMMENTED = `// Mine.
{
  // The door.
  gateway: {
    port: 0x1F90, // 8080
    allowedHosts: ['a.test',],
  },
  /* later */
  'logging': { level: 'warn' }
}
// End.
`

test('a change keeps every comment and every other character', async (t) => {
  const { set, read } = await setUp(t, COMMENTED)
  await set('gateway.port', '9000')
  assert.equal(await read(), COMMENTED.replace('0x1F90', '9000'))
  await set('agent.budgets.maxSteps', '7')
  const text = await read()
  for (const kept of ['// Mine.', '// The door.', '// 8080', "['a.test',]", '/* later */', "'logging': { level: 'warn' }", '// End.'])
    assert.ok(text.includes(kept), kept)
})

test('what is set can be loaded, and unset again', async (t) => {
  const { set, unset, load, read } = await setUp(t, COMMENTED)
  await set('agent.budgets.maxSteps', '7')
  await set('usage.prices.openai:gpt-5.5', '{ inputPerMTok: 1, outputPerMTok: 2 }')
  await set('usage.prices.openai:gpt-5.5.outputPerMTok', '3')
  const { config } = await load()
  assert.equal(config.agent.budgets.maxSteps, 7)
  assert.deepEqual(config.usage.prices, { 'openai:gpt-5.5': { inputPerMTok: 1, outputPerMTok: 3 } })
  await unset('usage.prices.openai:gpt-5.5')
  await unset('agent')
  assert.deepEqual((await load()).config.usage.prices, {})
  assert.doesNotMatch(await read(), /agent/)
  const before = await read()
  await unset('gateway.host')
  assert.equal(await read(), before)
  await assert.rejects(unset('gateway.hots'), { code: 'config/unknown-key', hint: 'Did you mean gateway.host?' })
})

test('text is read as the key expects it', async (t) => {
  const { set, load } = await setUp(t, '{}')
  await set('agent.model', '123:456').catch(() => undefined)
  await set('agent.systemPrompt', '12')
  await set('agent.temperature', '.5')
  await set('gateway.allowedHosts', 'a.test, b.test')
  await set('gateway.allowedOrigins', "['https://c.test']")
  await set('logging.level', '"debug"')
  const { config } = await load()
  assert.equal(config.agent.systemPrompt, '12')
  assert.equal(config.agent.temperature, 0.5)
  assert.deepEqual([config.gateway.allowedHosts, config.gateway.allowedOrigins], [['a.test', 'b.test'], ['https://c.test']])
  assert.equal(config.logging.level, 'debug')
})

test('a missing file is made for its owner alone', async (t) => {
  const { set, read, options, folder } = await setUp(t, null)
  await set('gateway.port', '1')
  assert.equal(await read(), '{\n  gateway: {\n    port: 1,\n  },\n}\n')
  assert.equal((await stat(options.file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(folder, 'deep')), ['carapace.json5'])
})

test('an invalid result is never written, and the refusal holds no value', async (t) => {
  const { set, read } = await setUp(t, COMMENTED)
  await assert.rejects(
    set('gateway.port', 'super-secret'),
    (error) => error instanceof Error && /gateway\.port/.test(error.message) && !/super-secret/.test(error.message),
  )
  await assert.rejects(set('gateway.port', '70000'), { code: 'config/invalid' })
  await assert.rejects(set('gateway.prot', '1'), { code: 'config/unknown-key', hint: 'Did you mean gateway.port?' })
  await assert.rejects(set('', '{}'), { code: 'config/unknown-key' })
  await assert.rejects(set('gateway.port.deeper', '1'), { code: 'config/unknown-key' })
  assert.equal(await read(), COMMENTED)
})

test('a file that is broken already is left alone', async (t) => {
  for (const text of ['{ gateway: ', '{ gatway: {} }', '{ gateway: 5 }', '[]']) {
    const { set, read } = await setUp(t, text)
    await assert.rejects(set('gateway.port', '1'), { code: 'config/invalid' }, text)
    assert.equal(await read(), text)
  }
  const { unset, read } = await setUp(t, '{ gatway: {}, }')
  await unset('gatway')
  assert.equal((await read()).replaceAll(/\s/g, ''), '{}')
})

test('secrets are sealed on the way in, alone or inside a value', async (t) => {
  const { set, read, load } = await setUp(t, '{}')
  await set('providers.acme.apiKey', 'sk-12345678')
  await set('providers.named.home', '{ baseUrl: "http://localhost", apiKey: "sk-87654321" }')
  assert.doesNotMatch(await read(), /sk-/)
  assert.match(await read(), /enc:v3:providers\.acme\.apiKey:/)
  const { secrets, warnings } = await load()
  assert.deepEqual([secrets, warnings], [['sk-12345678', 'sk-87654321'], []])
  await set('providers.acme.apiKey', '${ACME}')
  assert.match(await read(), /apiKey: ['"]\$\{ACME\}['"]/)
})

test('a link to the file stays a link', async (t) => {
  const { set, options, folder } = await setUp(t, '{}')
  const link = join(folder, 'link.json5')
  await symlink(options.file, link)
  await setConfig({ ...options, file: link }, 'gateway.port', '5')
  assert.ok((await lstat(link)).isSymbolicLink())
  assert.match(await readFile(options.file, 'utf8'), /port: 5/)
  await set('gateway.port', '6')
})

test('changes at the same time do not undo each other', async (t) => {
  const { set, load } = await setUp(t, '{}')
  const results = await Promise.allSettled([set('gateway.port', '5'), set('gateway.host', '::1')])
  const { config } = await load()
  const [port, host] = results.map((result) => result.status === 'fulfilled')
  assert.ok(port === true || host === true)
  if (port === true && host === true) assert.deepEqual([config.gateway.port, config.gateway.host], [5, '::1'])
})
