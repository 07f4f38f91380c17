/** Guessers who go round the nodes of a shared store, or wait for a restart. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'
import { until } from '../doubles/until.ts'

const TOKEN = 'one-token-for-every-node-of-this-test-0123456789'
const missing = installPostgres()

describe('guessers at several nodes', { skip: missing !== null && missing }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  it('A3 a guesser who goes round the nodes is locked out by the sum, also at one that starts later', async () => {
    const url = await server.create()
    const start = () => configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    await using a = await start()
    await using b = await start()
    let guesses = 0
    const guess = async (at: ConfiguredGateway) => (await at.request('/v1/models', { token: `wrong-${++guesses}` })).status
    const kept = async () => Number((await server.run(url, 'SELECT sum(count)::int AS sum FROM attempts'))[0]?.['sum'] ?? 0)
    for (let index = 0; index < 6; index++) assert.equal(await guess(index % 2 === 0 ? a : b), 401)
    await until(async () => (await kept()) === 6)
    // Neither node alone has seen too many; one that starts now knows of all six.
    await using c = await start()
    const later = []
    for (let index = 0; index < 6; index++) later.push(await guess(c))
    assert.deepEqual(later, [401, 401, 401, 401, 429, 429])
    await until(async () => (await guess(a)) === 429)
    await until(async () => (await guess(b)) === 429)
    for (const node of [a, b, c]) assert.equal((await node.request('/v1/models')).status, 200, 'the right token opens all the time')
  })

  it('A3 of a hundred guesses at once at every node no more are compared than each node has by itself, and then none', async () => {
    const url = await server.create()
    const start = () => configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    await using a = await start()
    await using b = await start()
    const guess = async (at: ConfiguredGateway) => (await at.request('/v1/models', { token: 'wrong' })).status
    const statuses = await Promise.all(Array.from({ length: 200 }, (_, index) => guess(index % 2 === 0 ? a : b)))
    const compared = statuses.filter((status) => status === 401).length
    assert.ok(compared >= 10 && compared <= 20, String(compared))
    assert.deepEqual([await guess(a), await guess(b)], [429, 429])
  })
})

test('A3 a guesser who is locked out is so after a restart, and the owner is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-guess-'))
  try {
    const env = {
      HOME: folder,
      CARAPACE_STATE_DIR: join(folder, 'state'),
      CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'),
      CARAPACE_GATEWAY_TOKEN: TOKEN,
    }
    await writeFile(env.CARAPACE_CONFIG_PATH, JSON.stringify({ gateway: { port: 0 }, agent: { model: 'openai:none' } }))
    const ask = async (url: string, token: string) => {
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })
      await answer.arrayBuffer()
      return answer.status
    }
    const first = await createServices(env).startGateway({})
    const statuses = []
    for (let index = 0; index < 12; index++) statuses.push(await ask(first.url, `wrong-${index}`))
    assert.deepEqual(statuses.slice(9), [401, 429, 429])
    await first.stop()
    const second = await createServices(env).startGateway({})
    assert.equal(await ask(second.url, 'wrong-again'), 429)
    assert.equal(await ask(second.url, TOKEN), 200)
    await second.stop()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
