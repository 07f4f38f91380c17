/** `kill -9` in the minute of a run, again and again: each instant has one run and one answer, or the row says why not. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { cronRunsResult } from '../../src/contracts/ws/cron.ts'
import { cleanEnvironment, startProgram } from '../doubles/gateway-process.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'

test('killed in the minute of a run at any moment, a job runs once', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-cron-'))
  const model = await startModelServer()
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: `${model.url.origin}/v1` })
  const names = Array.from({ length: 12 }, (_, index) => `job-${index}`)
  model.script(...Array.from({ length: 60 }, () => chatReply({ text: ['done'] })))
  let program = startProgram(env)
  try {
    await program.ready()
    const client = await program.connect()
    const at = new Date(Date.now() + 6000)
    for (const name of names) await client.call('cron.add', { name, prompt: `run ${name}`, schedule: { at: at.toISOString().slice(0, 19) + 'Z' } })
    await client.close()
    // Killed just before, at, and after the instant, and while turns are going on.
    await wait(Math.max(0, at.getTime() - Date.now() - 1000))
    for (const ms of [0, 5, 20, 60, 150, 400]) {
      await program.kill()
      program = startProgram(env)
      await program.ready()
      await wait(ms)
    }
    const watching = await program.connect()
    const runs = async () => cronRunsResult.parse(await watching.call('cron.runs', { limit: 100 })).runs
    for (let all = await runs(); all.length < names.length || all.some(({ status }) => status === 'running'); all = await runs()) await wait(50)
    const all = await runs()
    assert.deepEqual(all.map(({ name, status }) => `${name} ${status}`).toSorted(), names.map((name) => `${name} ok`).toSorted())
    assert.equal(new Set(all.map(({ runId }) => runId)).size, names.length)
    for (const name of names) {
      const { messages } = Object(await watching.call('chat.history', { sessionKey: `cron:${name}` }))
      assert.deepEqual(
        messages.map(({ role, text }: { readonly role: string; readonly text: string }) => `${role} ${text}`),
        [`user run ${name}`, 'assistant done'],
      )
    }
    await watching.close()
  } finally {
    await program.kill()
    await model.close()
    await rm(folder, { recursive: true, force: true })
  }
})
