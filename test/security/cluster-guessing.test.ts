/** Guessers who go round the nodes of a shared store, or wait for a restart. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, test } from 'node:test'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { cleanEnvironment, startProgram, type Program } from '../doubles/gateway-process.ts'
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

for (const [how, stop] of [
  ['a restart', (program: Program) => program.child.kill('SIGTERM') && program.ended],
  ['a crash', (program: Program) => program.kill()],
] as const)
  test(`A3 a guesser who is locked out is so after ${how}, and the owner is not`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'carapace-guess-'))
    const env = cleanEnvironment(folder, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    const ask = async (url: string, token: string) => {
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })
      await answer.arrayBuffer()
      return answer.status
    }
    const programs: Program[] = []
    const start = async () => {
      const program = startProgram(env)
      programs.push(program)
      return { program, url: await program.ready() }
    }
    try {
      const first = await start()
      const statuses = []
      for (let index = 0; index < 12; index++) statuses.push(await ask(first.url, `wrong-${index}`))
      assert.deepEqual(statuses.slice(9), [401, 429, 429])
      // Kept within moments, so that a crash forgets no more than those.
      await until(() => keptAttempts(join(folder, 'state', 'carapace.db')) === 12)
      await stop(first.program)
      const second = await start()
      assert.equal(await ask(second.url, 'wrong-again'), 429)
      assert.equal(await ask(second.url, TOKEN), 200)
    } finally {
      for (const program of programs) await program.kill()
      await rm(folder, { recursive: true, force: true })
    }
  })

function keptAttempts(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare('SELECT sum(count) AS sum FROM attempts').get()?.['sum']
  } finally {
    database.close()
  }
}
