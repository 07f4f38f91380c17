import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoors } from '../doubles/open-doors.ts'
import { cara } from './cli-fixture.ts'

test('cara cron adds, shows in its time zone, changes, pauses, runs and removes a job', async () => {
  await using running = await openDoors()
  const run = async (...argv: readonly string[]) => cara(['cron', ...argv], { running })
  assert.match((await run()).out, /^no job: cara cron add/)
  const added = await run('add', 'morning', '--cron', '30 8 * * *', '--zone', 'Asia/Tokyo', 'What', 'is', 'new?')
  assert.match(added.out, /^added: morning, next \d{4}-\d\d-\d\d 08:30, \d{4}-\d\d-\d\d 08:30, \d{4}-\d\d-\d\d 08:30 \(Asia\/Tokyo\)\n$/)
  assert.match((await run('list')).out, /morning +30 8 \* \* \* \(Asia\/Tokyo\) +\d{4}-\d\d-\d\d 08:30 +What is new\?/)
  assert.match((await run('show', 'morning')).out, /schedule: 30 8 \* \* \* \(Asia\/Tokyo\)\n(?:.*\n)*session: {2}cron:morning\n\nWhat is new\?/)
  assert.match((await run('edit', 'morning', '--every', '90m', '--prompt', 'Still there?\u001b[2J')).out, /^changed: morning, next/)
  const { out } = await run('list')
  assert.match(out, /every 90m/)
  // oxlint-disable-next-line no-control-regex -- none may be there
  assert.doesNotMatch(out, /\u001b/)
  await run('edit', 'morning', '--between', '08:00-18:00', '--if-note', 'home', '--if-file', 'list.txt', '--if-page', 'https://news.example/')
  assert.match(
    (await run('show', 'morning')).out,
    /only if: +it is between 08:00 and 18:00; there is a note home; list\.txt has changed; https:\/\/news\.example\/ has changed/,
  )
  assert.equal((await run('edit', 'morning', '--between', 'noon')).code, 1)
  assert.equal((await run('pause', 'morning')).out, 'paused: morning\n')
  assert.match((await run('list')).out, /paused/)
  assert.match((await run('resume', 'morning')).out, /^resumed: morning, next/)
  assert.match((await run('run', 'morning')).out, /^running: morning \(turn_/)
  assert.match((await run('runs', 'morning')).out, /morning .*turn_/)
  const found = JSON.parse((await run('list', '--json')).out)
  assert.deepEqual([found.jobs[0].name, found.jobs[0].author, found.timeZone], ['morning', 'owner', 'Europe/Berlin'])
  assert.equal((await run('remove', 'morning')).out, 'removed: morning\n')
  const wrong = await run('add', 'never', '--cron', '0 8 30 2 *', 'go')
  assert.deepEqual([wrong.code, /never due/.test(wrong.err)], [1, true])
  assert.match((await run('show', 'morning')).err, /no such job/)
})

test('cara cron add takes a moment, where the answer goes, how little is told, and what is missed', async () => {
  await using running = await openDoors()
  const run = async (...argv: readonly string[]) => cara(['cron', ...argv, '--json'], { running })
  assert.match((await run('add', 'tea', '--at', '20m', '--deliver', 'phone', 'Tea')).err, /message\/unknown-destination/)
  const { job } = JSON.parse((await run('add', 'tea', '--at', '20m', '--session', 'kitchen', 'Tea')).out)
  assert.deepEqual([job.schedule.at - Date.now() > 19 * 60_000, job.sessionKey, job.kind], [true, 'kitchen', 'task'])
  const watch = JSON.parse((await run('add', 'watch', '--every', '30m', '--heartbeat', '--missed', 'all', '--model', 'scripted:model', 'Look')).out).job
  assert.deepEqual([watch.kind, watch.missed, watch.model], ['heartbeat', 'all', 'scripted:model'])
})
