import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoors } from '../doubles/open-doors.ts'

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }

test('A3 200 wrong tokens one after the other: locked out after ten, the owner answered in between', async () => {
  await using doors = await openDoors()
  const statuses: number[] = []
  for (let index = 0; index < 200; index++) {
    const { status, headers } = await doors.ask('/v1/models', {
      token: `wrong-${index}`,
      headers: index % 2 === 0 ? {} : { origin: doors.url, 'x-device-token': 'x' },
    })
    statuses.push(status)
    if (status === 429) assert.ok(Number(headers['retry-after']) >= 1)
    if (index % 20 === 19) assert.equal((await doors.ask('/v1/models')).status, 200)
  }
  assert.deepEqual([statuses.filter((status) => status === 401).length, statuses.filter((status) => status === 429).length], [10, 190])
})

test('A3 200 wrong tokens at once: no more than ten are compared, the owner is answered', async () => {
  await using doors = await openDoors()
  const guesses = Array.from({ length: 200 }, (_, index) => doors.ask('/v1/chat/completions', { method: 'POST', body: '{}', token: `wrong-${index}` }))
  const owner = doors.ask('/v1/models')
  const statuses = (await Promise.all(guesses)).map(({ status }) => status)
  assert.equal((await owner).status, 200)
  assert.equal(statuses.filter((status) => status === 401).length, 10)
  assert.equal(statuses.filter((status) => status === 429).length, 190)
})

test('A3 upgrades count like requests', async () => {
  await using doors = await openDoors({ failedAuthLimit: 3 })
  const statuses = []
  for (let index = 0; index < 6; index++) {
    statuses.push((await doors.ask('/ws', { token: null, headers: { ...UPGRADE, 'sec-websocket-protocol': `carapace.v3, bearer.wrong${index}` } })).status)
  }
  assert.deepEqual(statuses, [401, 401, 401, 429, 429, 429])
  assert.equal((await doors.ask('/v1/models', { token: 'wrong' })).status, 429)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('A3 strangers without a token are slowed down, the owner is not', async () => {
  await using doors = await openDoors()
  const statuses = []
  for (let index = 0; index < 230; index++) statuses.push((await doors.ask('/v1/models', { token: null })).status)
  assert.ok(statuses.includes(401))
  // The bucket refills while the test runs; a slow machine may never empty it, a burst does.
  const burst = await Promise.all(Array.from({ length: 250 }, () => doors.ask('/v1/models', { token: null })))
  assert.ok(burst.some(({ status }) => status === 429))
  const owner = await Promise.all(Array.from({ length: 50 }, () => doors.ask('/v1/models')))
  assert.ok(owner.every(({ status }) => status === 200))
})
