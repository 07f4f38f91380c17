import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoors } from '../doubles/open-doors.ts'
import { cara } from './cli-fixture.ts'

test('cara task creates, lists, shows, changes, cancels and begins a task again', async () => {
  await using running = await openDoors()
  const run = async (...argv: readonly string[]) => cara(['task', ...argv], { running })
  assert.match((await run()).out, /^no task: cara task create/)
  const [, id = ''] = /^created: (task_\w+)\n$/.exec((await run('create', '--max-attempts', '3', '--max-run', '60', 'Sort', 'my', 'notes\u001b[2J')).out) ?? []
  const listed = (await run('list')).out
  assert.match(listed, new RegExp(`${id} +queued +0/3 +Sort my notes`))
  // oxlint-disable-next-line no-control-regex -- none may be there
  assert.doesNotMatch(listed, /\u001b/)
  const shown = (await run('show', id)).out
  assert.match(shown, /state: {4}queued\ntries: {4}0 of 3, turns 0 of 25\ntime: {5}60 s for each run, 604800 s in all\n/)
  assert.match(shown, new RegExp(`session: {2}task:${id}\n\nSort my notes`))
  assert.equal((await run('edit', id, '--prompt', 'By year', '--max-total', '7200', '--max-turns', '4')).out, `changed: ${id}\n`)
  const { task } = JSON.parse((await run('show', id, '--json')).out)
  assert.deepEqual([task.prompt, task.policy], ['By year', { maxAttempts: 3, maxTotalRuntimeMs: 7_200_000, maxTurns: 4, maxRunTimeoutSeconds: 60 }])
  assert.equal((await run('resume', id)).out, `goes on: ${id}\n`)
  assert.match((await run('retry', id)).err, /it is queued/)
  assert.equal((await run('cancel', id, '--reason', 'enough')).out, `cancelled: ${id}\n`)
  assert.match((await run('show', id)).out, /state: {4}cancelled\nwhy: {6}enough\n/)
  assert.match((await run('list', '--state', 'queued')).out, /^no task/)
  assert.equal((await run('retry', id)).out, `begun again: ${id}\n`)
  const { tasks } = JSON.parse((await run('list', '--state', 'queued', '--json')).out)
  assert.deepEqual([tasks.length, tasks[0].id, tasks[0].author], [1, id, 'owner'])
  assert.equal((await run('cancel', id)).out, `cancelled: ${id}\n`)
  const named = JSON.parse((await run('create', '--session', 'kitchen', '--model', 'scripted:model', '--json', 'Tea')).out).task
  assert.deepEqual([named.sessionKey, named.model, named.state], ['kitchen', 'scripted:model', 'queued'])
  assert.equal(JSON.parse((await run('list', '--json')).out).tasks.length, 2)
  assert.equal(JSON.parse((await run('list', '--limit', '1', '--json')).out).tasks.length, 1)
  const wrong = await run('create', '--max-attempts', '0', 'go')
  assert.deepEqual([wrong.code, /maxAttempts/.test(wrong.err)], [1, true])
  assert.match((await run('show', 'task_none')).err, /no such task/)
})
