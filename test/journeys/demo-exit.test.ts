import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const providerFolder = new URL('../../src/providers/demo/', import.meta.url).href
const SCRIPT = `
  const { DemoEngine } = await import('${providerFolder}engine.ts')
  const { locate } = await import('${providerFolder}locations.ts')
  const engine = new DemoEngine({ locations: locate('${providerFolder}module.ts') })
  const outcome = await engine.ask('hello', 160, new AbortController().signal)
  console.log(outcome.text, engine.isRunning)
`

test('a question keeps the process alive until its answer, an idle worker does not', async () => {
  // Well below the minute after which an idle worker ends by itself.
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', SCRIPT], { timeout: 30_000 })
  assert.equal(stdout, 'Hello! How can I help? true\n')
})
