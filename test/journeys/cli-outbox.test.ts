import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoors, type OpenDoors } from '../doubles/open-doors.ts'
import { cara } from './cli-fixture.ts'

/** Sent, dead after its first part, and waiting. */
async function filled({ gateway: { store } }: OpenDoors): Promise<void> {
  const { outbox } = store
  const facts = { purpose: 'tool', turnId: 'turn_1', sessionId: null, createdAt: 1000, expiresAt: 9_000_000_000_000 } as const
  const bounds = { parts: 100, bytes: 10_000 }
  const add = (id: string, to: string, parts: readonly string[]) => outbox.accept({ ...facts, id, key: `key of ${id}`, to, lane: to, parts }, bounds)
  const take = async (id: string, part: number) => ({ id, part, fence: (await outbox.claim({ id, part }, { owner: 'w', until: 3000, now: 2000 }))?.fence ?? 0 })
  await add('out_sent', 'team-chat', ['sent words'])
  await outbox.sent(await take('out_sent', 1), 3000)
  await add('out_dead', 'team-chat', ['first', 'second \u001b[2J\u202e'])
  await outbox.sent(await take('out_dead', 1), 3000)
  await outbox.kill(await take('out_dead', 2), 'the server refused it', 3000)
  await add('out_waiting', 'home', ['later'])
}

test('cara outbox lists what waits and what is dead, shows one, tries it again, and drops it', async () => {
  await using running = await openDoors()
  assert.equal((await cara(['outbox'], { running })).out, 'nothing\n')
  await filled(running)
  const listed = await cara(['outbox'], { running })
  assert.deepEqual(listed.out.match(/out_\w+/g), ['out_waiting', 'out_dead', 'out_sent'])
  assert.match(listed.out, /out_dead +team-chat +dead +1\/2 .*the server refused it/)
  assert.deepEqual((await cara(['outbox', 'list', '--status', 'dead', '--to', 'team-chat'], { running })).out.match(/out_\w+/g), ['out_dead'])
  const shown = await cara(['outbox', 'show', 'out_dead'], { running })
  assert.match(shown.out, /status +dead\nwhy +the server refused it\n.*key +key of out_dead\nturn +turn_1\n.*│ second/s)
  // oxlint-disable-next-line no-control-regex -- none may be there
  assert.doesNotMatch(shown.out, /[\u001b\u202e]/, 'what a model wrote cannot steer the terminal')
  assert.doesNotMatch((await cara(['outbox', 'show', 'out_sent'], { running })).out, /sent words/)
  const again = await cara(['outbox', 'retry', '--to', 'team-chat', '--json'], { running })
  assert.partialDeepStrictEqual(JSON.parse(again.out), { messages: [{ id: 'out_dead', status: 'waiting', sentParts: 1, why: 'the server refused it' }] })
  assert.equal((await running.gateway.store.outbox.head('team-chat'))?.text, 'second \u001b[2J\u202e')
  assert.equal((await cara(['outbox', 'retry', '--to', 'team-chat'], { running })).out, 'nothing is dead there\n')
  const waiting = await cara(['outbox', 'retry', 'out_dead'], { running })
  assert.deepEqual([waiting.code, waiting.out], [1, ''])
  assert.match(waiting.err, /out_dead waits for its next attempt/)
  assert.equal((await cara(['outbox', 'drop', 'out_dead', 'out_waiting'], { running })).out, 'dropped: out_dead to team-chat\ndropped: out_waiting to home\n')
  assert.deepEqual(await running.gateway.store.outbox.heads(), [])
  assert.equal((await cara(['outbox', 'show', 'out_dead', '--json'], { running })).out.includes('second'), false)
  for (const argv of [
    ['drop', 'out_sent'],
    ['drop', 'out_9'],
    ['show', 'out_9'],
    ['retry', 'out_sent'],
  ])
    assert.equal((await cara(['outbox', ...argv], { running })).code, 1, argv.join(' '))
  for (const argv of [['retry'], ['retry', 'out_dead', '--to', 'home'], ['drop'], ['show']])
    assert.equal((await cara(['outbox', ...argv], { running })).code, 2, argv.join(' '))
})
