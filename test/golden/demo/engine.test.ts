/** The worker thread with the real file. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { DemoEngine } from '../../../src/providers/demo/engine.ts'
import { locate } from '../../../src/providers/demo/locations.ts'

const locations = locate(new URL('../../../src/providers/demo/module.ts', import.meta.url).href)
const never = new AbortController().signal

/** An engine whose idle timer runs out when the test says so. */
function engineWithTimer(
  context: TestContext,
  model = locations.model,
): { readonly engine: DemoEngine; readonly timers: Set<() => void>; readonly waits: number[] } {
  const timers = new Set<() => void>()
  const waits: number[] = []
  const engine = new DemoEngine({
    locations: { ...locations, model },
    startTimer: (callback, ms) => {
      timers.add(callback)
      waits.push(ms)
      return () => void timers.delete(callback)
    },
  })
  context.after(() => engine.close())
  return { engine, timers, waits }
}

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-demo-'))
  context.after(() => rm(folder, { recursive: true }))
  return folder
}

test('starts at the first question, ends when idle, starts again', async (context) => {
  const { engine, timers, waits } = engineWithTimer(context)
  assert.equal(engine.isRunning, false)
  const first = await engine.ask('hello', 160, never)
  assert.ok(first.kind === 'answer')
  assert.equal(first.text, 'Hello! How can I help?')
  assert.deepEqual([engine.isRunning, timers.size, waits], [true, 1, [60_000]])

  const second = await engine.ask('thanks!', 160, never)
  assert.ok(second.kind === 'answer')
  assert.ok(second.cachedTokens > 0, 'the same worker answered')
  assert.deepEqual([timers.size, waits.length], [1, 2])

  for (const runOut of timers) runOut()
  assert.equal(engine.isRunning, false)
  const third = await engine.ask('hello', 160, never)
  assert.ok(third.kind === 'answer')
  assert.equal(third.cachedTokens, 0)
})

test('questions wait in order, and too many are refused', async (context) => {
  const { engine, timers } = engineWithTimer(context)
  const order: number[] = []
  const outcomes = await Promise.all(
    Array.from({ length: 19 }, async (_, index) => {
      const outcome = await engine.ask('hello', 160, never)
      if (outcome.kind === 'answer') order.push(index)
      return outcome.kind
    }),
  )
  assert.deepEqual(outcomes, [...Array.from({ length: 17 }, () => 'answer'), 'busy', 'busy'])
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  )
  assert.equal(timers.size, 1)
  assert.equal((await engine.ask('hello', 160, never)).kind, 'answer')
})

test('an abort settles at once, and the next question is answered', async (context) => {
  const { engine } = engineWithTimer(context)
  const controller = new AbortController()
  const [aborted, queued] = [
    engine.ask('explain quantum computing', 160, controller.signal),
    engine.ask('remind me tomorrow to buy milk', 160, controller.signal),
  ]
  const next = engine.ask('hello', 160, never)
  controller.abort()
  assert.deepEqual([await aborted, await queued], [{ kind: 'cancelled' }, { kind: 'cancelled' }])
  assert.equal((await next).kind, 'answer')
  assert.deepEqual(await engine.ask('hello', 160, AbortSignal.abort()), { kind: 'cancelled' })
})

test('a missing, cut or foreign file is told as such, and a repaired one is found', async (context) => {
  const folder = await temporaryFolder(context)
  const file = join(folder, 'model.gguf')
  const { engine } = engineWithTimer(context, file)
  assert.deepEqual(await engine.ask('hello', 160, never), { id: 1, kind: 'unusable', why: 'it is missing or cannot be read' })
  await writeFile(file, 'MZ this is something else')
  const foreign = await engine.ask('hello', 160, never)
  assert.ok(foreign.kind === 'unusable')
  assert.equal(foreign.why, 'it is not a GGUF file')
  await writeFile(file, (await readFile(locations.model)).subarray(0, 900_000))
  const cut = await engine.ask('hello', 160, never)
  assert.ok(cut.kind === 'unusable')
  assert.match(cut.why, /cut off/)
  assert.equal(engine.isRunning, false)
  await copyFile(locations.model, file)
  assert.equal((await engine.ask('hello', 160, never)).kind, 'answer')
})

test('closing settles what waits; a worker that cannot start is told', async (context) => {
  const { engine } = engineWithTimer(context)
  const asked = engine.ask('hello', 160, never)
  await engine.close()
  assert.deepEqual(await asked, { kind: 'stopped' })
  const broken = new DemoEngine({ locations: { ...locations, worker: new URL('no-such-worker.ts', import.meta.url) } })
  assert.deepEqual(await broken.ask('hello', 160, never), { kind: 'stopped' })
})

test('worker and model are found in a checkout and in a bundle', async (context) => {
  assert.match(locations.worker.href, /src\/providers\/demo\/worker\.ts$/)
  assert.match(locations.model, /assets[/\\]demo-model\.gguf$/)
  const dist = await temporaryFolder(context)
  await mkdir(join(dist, 'chunks'))
  await writeFile(join(dist, 'demo-worker.js'), '')
  for (const chunk of ['module-abc.js', join('chunks', 'module-abc.js')]) {
    const found = locate(pathToFileURL(join(dist, chunk)).href)
    assert.deepEqual([found.worker.href, found.model], [pathToFileURL(join(dist, 'demo-worker.js')).href, join(dist, 'assets', 'demo-model.gguf')])
  }
})
