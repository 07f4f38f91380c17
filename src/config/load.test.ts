import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import { optional } from '../contracts/fields.ts'
import { Secret, secretSchema } from '../contracts/secret.ts'
import { loadConfig, type LoadOptions } from './load.ts'
import { findPlace, listKeys, placeOf } from './places.ts'
import { composeSchema, type Sections } from './schema.ts'
import { sharedKeys } from './shared-keys.ts'

const acme = z.strictObject({
  apiKey: optional(secretSchema, 'Key of the vendor'),
  baseUrl: z.string().default('https://acme.test').describe('Address'),
  retries: z.int().default(2).describe('Repeats'),
  fast: z.boolean().default(false).describe('Fast mode'),
})
const named = z.record(z.string().regex(/^[a-z]+$/), z.strictObject({ baseUrl: z.string().describe('Address'), apiKey: z.optional(secretSchema) }))
const needy = z.strictObject({ region: z.string().describe('Region') })
const sections: Sections = {
  acme: { schema: acme, env: { ACME_KEY: 'apiKey', ACME_OLD_KEY: 'apiKey', ACME_RETRIES: 'retries', ACME_FAST: 'fast' } },
  named: { schema: named.default({}), env: {} },
  needy: { schema: needy, env: { NEEDY_REGION: 'region' } },
}

async function load(t: TestContext, text: string | null, more: Partial<LoadOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-config-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'carapace.json5')
  if (text !== null) await writeFile(file, text, { mode: 0o600 })
  return await loadConfig({ file, env: {}, sections, ...more })
}

async function refusal(t: TestContext, text: string, more: Partial<LoadOptions> = {}): Promise<string> {
  const error: unknown = await load(t, text, more).then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AppError)
  assert.match(error.code, /^config\//)
  return error.message
}

test('without a file everything has its default', async (t) => {
  const { config, settings, secrets, warnings } = await load(t, null)
  assert.equal(config.gateway.port, 18_789)
  assert.deepEqual(config.providers, { acme: { baseUrl: 'https://acme.test', retries: 2, fast: false }, named: {} })
  assert.equal(settings.hash, null)
  assert.deepEqual([secrets, warnings], [[], []])
})

test('file, environment and flags win in this order, and each value knows its source', async (t) => {
  const text = '{ gateway: { port: 1, host: "::1", maxConnections: 5, }, providers: { acme: { retries: 3 } } } // end'
  const env = { CARAPACE_PORT: '2', CARAPACE_HOST: '127.0.0.2', CARAPACE_LOG: '', ACME_RETRIES: '4', ACME_FAST: 'true', NEEDY_REGION: 'eu' }
  const { config, settings } = await load(t, text, { env, flags: [{ path: 'gateway.port', value: 3, flag: '--port' }] })
  assert.equal(config.gateway.port, 3)
  assert.deepEqual(config.providers['acme'], { baseUrl: 'https://acme.test', retries: 4, fast: true })
  assert.deepEqual(config.providers['needy'], { region: 'eu' })
  const sourceOf = (path: string) => {
    const { value, source, from } = settings.explain(path)
    return [value, source, from === settings.file ? 'FILE' : from]
  }
  assert.deepEqual(sourceOf('gateway.port'), [3, 'flag', '--port'])
  assert.deepEqual(sourceOf('gateway.host'), ['127.0.0.2', 'environment', 'CARAPACE_HOST'])
  assert.deepEqual(sourceOf('gateway.maxConnections'), [5, 'file', 'FILE'])
  assert.deepEqual(sourceOf('gateway.drainMs'), [30_000, 'default', null])
  assert.deepEqual(sourceOf('logging.level'), ['info', 'default', null])
  assert.deepEqual(sourceOf('gateway').slice(1), ['flag', '--port'])
  assert.equal(settings.explain('gateway.drainMs').description, 'Milliseconds that running turns get when the gateway stops')
})

test('the first variable of a path wins', async (t) => {
  const { secrets } = await load(t, null, { env: { ACME_OLD_KEY: 'old', ACME_KEY: 'new' } })
  assert.deepEqual(secrets, ['new'])
})

test('every problem is told at once, with its line and the nearest key, and without values', async (t) => {
  const text = `{
    gatway: {},
    gateway: { prot: 1, port: "super-secret-value", host: 7 },
    port: 5,
    agent: { budgets: { maxSteps: 0 } },
    providers: { acmee: {}, acme: { apikey: 'sk-super-secret-value', retries: 'super-secret-value' } },
    logging: { level: 'super-secret-value' },
  }`
  const message = await refusal(t, text, { env: { CARAPACE_MODEL: '', ACME_FAST: 'super-secret-value' } })
  for (const line of [
    'gatway (line 2): there is no such key; did you mean gateway?',
    'gateway.prot (line 3): there is no such key; did you mean gateway.port?',
    'gateway.port (line 3): Invalid input: expected number, received string',
    'gateway.host (line 3): ',
    'port (line 4): there is no such key; did you mean gateway.port?',
    'agent.budgets.maxSteps (line 5): ',
    'providers.acmee (line 6): there is no such key; did you mean providers.acme?',
    'providers.acme.apikey (line 6): there is no such key; did you mean providers.acme.apiKey?',
    'providers.acme.retries (line 6): ',
    'providers.acme.fast (ACME_FAST): ',
    'logging.level (line 7): ',
  ]) {
    assert.ok(message.includes(`\n  ${line}`), `${line}\n${message}`)
  }
  assert.doesNotMatch(message, /super-secret/)
})

test('text that is not JSON5 is refused with its position', async (t) => {
  assert.match(await refusal(t, '{ gateway: {\n port: } }'), /2:8/)
  assert.match(await refusal(t, '[1]'), /expected object/)
  assert.match(await refusal(t, '{ "__proto__": { gateway: {} } }'), /__proto__ \(line 1\): there is no such key/)
  assert.match(await refusal(t, `${'{a:'.repeat(40)}1${'}'.repeat(40)}`), /nested too deeply/)
  assert.match(await refusal(t, `{ a: "${'x'.repeat(1024 * 1024)}" }`), /larger than 1 MiB/)
})

test('an empty file is an empty configuration', async (t) => {
  const { config, settings } = await load(t, ' \n')
  assert.equal(config.gateway.port, 18_789)
  assert.equal(settings.hash, createHash('sha256').update(' \n').digest('hex'))
})

test('references are filled in from the environment', async (t) => {
  const text = '{ gateway: { port: "${PORT}" }, agent: { systemPrompt: "at ${HOST}:${PORT}, not $${HOST}" }, providers: { acme: { apiKey: "${KEY}" } } }'
  const { config, secrets, warnings, settings } = await load(t, text, { env: { PORT: '81', HOST: 'h', KEY: 'sk-1234' } })
  assert.equal(config.gateway.port, 81)
  assert.equal(config.agent.systemPrompt, 'at h:81, not ${HOST}')
  assert.deepEqual([secrets, warnings], [['sk-1234'], []])
  assert.equal(settings.explain('gateway.port').source, 'file')
})

test('a reference to a variable that is not set is named, once, unless something overrides it', async (t) => {
  const text = '{ gateway: { port: "${NO_PORT}" }, providers: { acme: { apiKey: "${NO_KEY}" } } }'
  const message = await refusal(t, text)
  assert.match(message, /gateway\.port \(line 1\): the environment variable NO_PORT is not set\n/)
  assert.match(message, /providers\.acme\.apiKey \(line 1\): the environment variable NO_KEY is not set$/)
  const { config } = await load(t, text, { env: { CARAPACE_PORT: '4', ACME_KEY: 'key' } })
  assert.equal(config.gateway.port, 4)
})

test('secrets never show, wherever the configuration is printed', async (t) => {
  const text = '{ providers: { acme: { apiKey: "sk-12345678" }, named: { home: { baseUrl: "http://localhost", apiKey: "sk-87654321" } } } }'
  const { config, settings, secrets } = await load(t, text)
  assert.deepEqual(secrets, ['sk-12345678', 'sk-87654321'])
  const printed = [
    JSON.stringify(config),
    inspect(config, { depth: 9 }),
    JSON.stringify(settings.redacted()),
    JSON.stringify(settings.explain('providers.acme.apiKey')),
  ]
  for (const shown of printed) assert.doesNotMatch(shown, /sk-/)
  assert.equal(settings.get('providers.named.home.apiKey'), '[secret]')
  const parsed = z.object({ apiKey: z.instanceof(Secret) }).parse(config.providers['acme'])
  assert.equal(parsed.apiKey.reveal(), 'sk-12345678')
})

test('a secret in plain text loads with the command that seals it', async (t) => {
  const text = '{ providers: { acme: { apiKey: "sk-12345678" } } }'
  const { warnings } = await load(t, text)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^providers\.acme\.apiKey .*cara secrets seal/)
  assert.doesNotMatch(warnings.join(''), /sk-/)
})

test('sealed secrets are opened with their path, and stay sealed where nobody can open them', async (t) => {
  const text = '{ providers: { acme: { apiKey: "enc:v3:xyz" } } }'
  const opened = await load(t, text, { open: (path, sealed) => `${path}=${sealed}` })
  assert.deepEqual(opened.secrets, ['providers.acme.apiKey=enc:v3:xyz'])
  assert.deepEqual(opened.warnings, [])
  assert.equal((await load(t, text)).settings.get('providers.acme.apiKey'), '[secret]')
  const open = () => {
    throw new AppError('secrets/sealed', 'made with another key')
  }
  assert.match(await refusal(t, text, { open }), /providers\.acme\.apiKey \(line 1\): A sealed secret cannot be opened: made with another key$/)
})

test('settings answer by dotted path, through names with dots, and name the nearest key', async (t) => {
  const { settings } = await load(
    t,
    '{ usage: { prices: { "openai:gpt-5.5": { inputPerMTok: 2, outputPerMTok: 10 } } }, routes: { quick: { models: ["a:b"] } } }',
  )
  assert.equal(settings.get('usage.prices.openai:gpt-5.5.inputPerMTok'), 2)
  assert.deepEqual(settings.get('routes.quick.models'), ['a:b'])
  assert.equal(settings.explain('routes.quick.models.0').source, 'file')
  assert.equal(settings.get('agent.model'), null)
  assert.match(JSON.stringify(settings.get('')), /18789/)
  const hintFor = (path: string) => {
    try {
      settings.get(path)
    } catch (error) {
      return error instanceof AppError ? `${error.code} ${error.hint}` : ''
    }
    return 'found'
  }
  assert.equal(hintFor('gateway.prot'), 'config/unknown-key Did you mean gateway.port?')
  assert.equal(hintFor('maxSteps'), 'config/unknown-key Did you mean agent.budgets.maxSteps?')
  assert.equal(hintFor('gateway.constructor'), 'config/unknown-key cara config show lists every key')
  assert.equal(hintFor('x.'.repeat(10_000)), 'config/unknown-key cara config show lists every key')
})

test('the JSON Schema describes the whole file, secrets as text', async (t) => {
  const schema = z
    .object({ properties: z.record(z.string(), z.looseObject({ properties: z.record(z.string(), z.looseObject({})) }).or(z.looseObject({}))) })
    .parse((await load(t, null)).settings.schema())
  assert.deepEqual(Object.keys(schema.properties).slice(0, 2), ['gateway', 'agent'])
  assert.match(JSON.stringify(schema.properties['providers']), /"apiKey":\{[^}]*"type":"string"/)
})

test('shared values stand above the file and below the environment, and the file goes on as it was read', async (t) => {
  const started = await load(t, '{ agent: { model: "a:file", temperature: 1 }, routes: { quick: { models: ["a:b"] } } }', { env: { CARAPACE_MODEL: 'a:env' } })
  await writeFile(started.settings.file, '{ agent: { temperature: 2 } }')
  const at = { by: 'owner', at: 1 }
  const { config, settings } = await started.withShared([
    { ...at, path: 'agent.model', value: 'a:shared', version: 1 },
    { ...at, path: 'agent.budgets.maxSteps', value: 3, version: 2 },
    { ...at, path: 'routes.slow', value: { models: ['c:d'] }, version: 3 },
  ])
  assert.deepEqual([config.agent.model, config.agent.temperature, config.agent.budgets.maxSteps], ['a:env', 1, 3])
  assert.deepEqual(Object.keys(config.routes), ['quick', 'slow'])
  assert.deepEqual(
    [settings.explain('agent.budgets.maxSteps').source, settings.explain('agent.budgets.maxSteps').from],
    ['shared', 'shared settings, version 2'],
  )
  assert.equal(settings.explain('agent.model').source, 'environment')
  await assert.rejects(started.withShared([{ ...at, path: 'agent.temperature', value: 9, version: 4 }]), {
    code: 'config/invalid',
    message: /agent\.temperature \(shared settings, version 4\)/,
  })
})

test('no shared key is secret, and each exists', () => {
  const root = placeOf(composeSchema(sections))
  for (const key of sharedKeys) {
    const found = findPlace(root, key)
    assert.ok(found !== null, key)
    for (const below of listKeys(found.place, key)) assert.equal(below.secret, false, below.path)
  }
})

test('a file that every user may write to is refused, and so is a folder', { skip: process.getuid === undefined }, async (t) => {
  const { settings } = await load(t, '{}')
  await chmod(settings.file, 0o606)
  await assert.rejects(loadConfig({ file: settings.file, env: {}, sections }), { code: 'config/unreadable' })
  await assert.rejects(loadConfig({ file: tmpdir(), env: {}, sections }), { code: 'config/unreadable' })
})

test('whatever a file holds, it loads or is refused without showing a value', async (t) => {
  const { settings } = await load(t, '{}')
  const key = fc.constantFrom('gateway', 'port', 'agent', 'budgets', 'routes', 'providers', 'acme', 'apiKey', 'named', 'a.b', 'constructor', 'toString', 'x')
  const leaf = fc.constantFrom('canary-value', '${NOT_SET}', 'enc:v3:canary-value', '$${', 1, -1.5, true, null, [], ['canary-value'])
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({ node: fc.oneof({ maxDepth: 5 }, leaf, fc.dictionary(key, tie('node'), { maxKeys: 4 })) }))
  await fc.assert(
    fc.asyncProperty(node, async (data) => {
      await writeFile(settings.file, JSON.stringify(data))
      const shown = await loadConfig({ file: settings.file, env: {}, sections, open: () => 'canary-value' }).then(
        (loaded) => JSON.stringify([loaded.warnings, loaded.settings.get('providers.acme')]),
        (error: unknown) => (error instanceof AppError && error.code === 'config/invalid' ? error.message : assert.fail(String(error))),
      )
      assert.doesNotMatch(shown, /canary/)
    }),
    { numRuns: 300 },
  )
})
