import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { providerModules } from '../../src/app/registry/providers.ts'
import { loadConfig } from '../../src/config/load.ts'
import { findPlace, listKeys, placeOf } from '../../src/config/places.ts'
import { composeSchema, coreEnv, type Sections } from '../../src/config/schema.ts'

const sections: Sections = Object.fromEntries(providerModules.map(({ id, config, env }) => [id, { schema: config, env }]))
const root = placeOf(composeSchema(sections))
const keys = listKeys(root)
const example = await readFile(join(dirname(dirname(import.meta.dirname)), 'config.example.json5'), 'utf8')

const folder = { path: '' }
before(async () => {
  folder.path = await mkdtemp(join(tmpdir(), 'carapace-example-'))
})
after(() => rm(folder.path, { recursive: true }))

async function load(text: string) {
  const file = join(folder.path, 'carapace.json5')
  await writeFile(file, text)
  return await loadConfig({ file, env: {}, sections })
}

test('every key has a description and its own way to be found', () => {
  assert.ok(keys.length > 40)
  for (const { path, description } of keys) {
    assert.ok(description.length > 0, `${path} needs a description`)
    assert.ok(findPlace(root, path.replaceAll('NAME', 'name')) !== null || path.includes('NAME'), path)
  }
})

test('every variable fills a key that exists', () => {
  for (const path of Object.values(coreEnv)) assert.ok(findPlace(root, path) !== null, path)
  for (const { id, env } of providerModules)
    for (const path of Object.values(env)) assert.ok(findPlace(root, `providers.${id}.${path}`) !== null, `${id}.${path}`)
})

test('what is called a key, token or password is a secret', () => {
  for (const { path, secret } of keys) {
    if (/(^|\.)(.*(Key|KeyId|Token|Secret|Password))$/.test(path)) assert.ok(secret, `${path} must use secretSchema`)
  }
})

test('every default fits its own schema', async () => {
  const { settings } = await load('{}')
  for (const { path, defaultValue } of keys) {
    if (defaultValue !== undefined && !path.includes('NAME')) assert.deepEqual(settings.get(path), defaultValue, path)
  }
})

test('the example names every key', () => {
  for (const { path } of keys) assert.match(example, new RegExp(`\\b${path.split('.').at(-1) ?? ''}: `), path)
})

test('the example loads, and its defaults are the defaults', async () => {
  const plain = (await load('{}')).settings.redacted()
  assert.deepEqual((await load(example)).settings.redacted(), plain)
  const uncommented = example.replaceAll(/^( *)\/\/ (\w+: [^<].*,)$/gm, '$1$2')
  assert.ok(uncommented.split('\n').filter((line) => /^ *\w+: [^{]/.test(line)).length > 25)
  assert.deepEqual((await load(uncommented)).settings.redacted(), plain)
})
