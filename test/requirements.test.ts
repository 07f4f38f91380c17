/** The gate: a promise without a test, and a name without one, fail. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { providerModules } from '../src/app/registry/providers.ts'
import { registry as commands } from '../src/cli/registry.ts'
import * as pipeline from '../src/guard/pipeline.ts'
import { requestCheckpoint } from '../src/guard/request.ts'
import { methods } from '../src/server/methods/registry.ts'
import { routes } from '../src/server/routes/registry.ts'
import { requirements } from './requirements.ts'

const sources = new Map(
  globSync(['src/**/*.test.ts', 'test/**/*.ts'])
    .filter((file) => !file.startsWith('test/requirements'))
    .map((file) => [file, readFileSync(file, 'utf8')]),
)

for (const { id, promise, file, test: title } of requirements) {
  test(`${id} ${promise}`, () => {
    const source = sources.get(file)
    assert.ok(source !== undefined, `${file} does not exist`)
    const written = ["'", '`', '"'].some((quote) => new RegExp(String.raw`\b(?:it|test)\(\s*${quote}${escape(title)}${quote}`).test(source))
    assert.ok(written, `${file} has no test “${title}”`)
    assert.doesNotMatch(source, /\b(?:it|test|describe)\.(?:only|todo)\b/)
  })
}

test('no id is given twice', () => {
  const ids = requirements.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
})

test('every provider is held to the contract of providers', () => {
  const suites = [...sources].filter(([file]) => /^test\/contracts\/provider-[\w-]+\.test\.ts$/.test(file)).map(([, source]) => source)
  const isHeld = (id: string) => suites.some((source) => source.includes('describeProvider(') && source.includes(`/${id}/module.ts`))
  // The demo has no wire: its own tests are in test/golden/demo.
  assert.deepEqual(
    providerModules.map(({ id }) => id).filter((id) => !isHeld(id)),
    ['demo'],
  )
})

test('every name that the program registers is mentioned by a test', () => {
  const checkpoints = [...Object.values(pipeline), requestCheckpoint]
  const toolNames = sourcesNaming(/name: '([a-z_]+)'/g, globSync('src/tools/*.ts'))
  const names = [
    ...routes.map(({ path }) => path),
    ...methods.map(({ name }) => name),
    ...commands.map(({ name }) => name),
    ...toolNames,
    ...providerModules.map(({ id }) => id),
    ...checkpoints.flatMap(({ stages }) => stages.map(({ name }) => name)),
  ]
  const text = [...sources.values()].join('\n')
  const unproved = names.filter((name) => !new RegExp(String.raw`(?<![\w.-])${escape(name)}(?![\w-])`).test(text))
  assert.deepEqual(unproved, [])
  assert.ok(names.length > 60, String(names.length))
})

function sourcesNaming(pattern: RegExp, files: readonly string[]): readonly string[] {
  return files.filter((file) => !file.endsWith('.test.ts')).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(pattern)].map((match) => match[1] ?? ''))
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}
