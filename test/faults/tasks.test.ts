/** `kill -9` again and again while tasks begin, run, wait and are tried again: each try has one turn, and every task comes to its end. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { taskListResult, taskResult } from '../../src/contracts/ws/task.ts'
import { cleanEnvironment, startProgram } from '../doubles/gateway-process.ts'
import { startModelServer, type ReceivedRequest } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { until } from '../doubles/until.ts'

/** The first answer of an odd task is cut off by its length, so that it has two tries. */
const answer = ({ body }: ReceivedRequest) => {
  const isFirst = !body.includes('You have begun this task before')
  return isFirst && /run \d*[13579]"/.test(body) ? chatReply({ text: ['half'], finish: 'length' }) : chatReply({ text: ['done'] })
}

test('killed at any moment, a task has one turn for each try and comes to its end', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-tasks-'))
  const model = await startModelServer()
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: `${model.url.origin}/v1` })
  model.script(...Array.from({ length: 200 }, () => answer))
  let program = startProgram(env)
  try {
    await program.ready()
    const client = await program.connect()
    const ids: string[] = []
    for (let index = 0; index < 12; index++) ids.push(taskResult.parse(await client.call('task.create', { prompt: `run ${index}` })).task.id)
    await client.close()
    for (const ms of [0, 5, 20, 60, 150, 400, 1500]) {
      await program.kill()
      program = startProgram(env)
      await program.ready()
      await wait(ms)
    }
    const watching = await program.connect()
    const all = async () => taskListResult.parse(await watching.call('task.list', { limit: 100 })).tasks
    await until(async () => (await all()).every(({ state }) => state === 'done'), 60_000)
    const tasks = await all()
    assert.deepEqual(tasks.map(({ id }) => id).toSorted(), ids.toSorted())
    for (const { prompt, attempts, runIds } of tasks) {
      const tries = /[13579]$/.test(prompt) ? 2 : 1
      assert.deepEqual([attempts, new Set(runIds).size, runIds.length], [tries, tries, tries], prompt)
    }
    assert.equal(new Set(tasks.flatMap(({ runIds }) => runIds)).size, 18)
    for (const { sessionKey, prompt } of tasks) {
      const { messages } = Object(await watching.call('chat.history', { sessionKey }))
      const said = messages.map(({ role, text }: { readonly role: string; readonly text: string }) => `${role} ${text.split('\n').at(-1)}`)
      const whole = [`user ${prompt}`, 'assistant done']
      assert.deepEqual(said, /[13579]$/.test(prompt) ? [`user ${prompt}`, 'assistant half', ...whole] : whole)
    }
    await watching.close()
  } finally {
    await program.kill()
    await model.close()
    await rm(folder, { recursive: true, force: true })
  }
})
