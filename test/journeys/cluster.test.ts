/** Gateways on a PostgreSQL that they share. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'

const missing = installPostgres()

test('nobody outside of the store asks which engine it is', () => {
  // The address is the owner's word, and stands in the configuration alone.
  const allowed = new Set(['src/config/schema.ts'])
  const asking = globSync('src/**/*.ts').filter(
    (file) =>
      !file.startsWith('src/store/') &&
      !allowed.has(file) &&
      /['"`](?:postgres|sqlite)|database\.engine/i.test(readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, '')),
  )
  assert.deepEqual(asking, ['src/contracts/store.ts'])
})

describe('gateways on PostgreSQL', { skip: missing !== null && missing }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  it('store.url: the same program keeps everything there, and the password of the address shows nowhere', async () => {
    const url = await server.create()
    const config = { store: { url: url.replace('cara@', 'cara:hush-hush-hush@') } }
    await using gateway = await configuredGateway(config)
    gateway.upstream.script(chatReply({ text: ['Hello there.'] }))
    assert.equal((await gateway.chat('remember me', 'kept')).text, 'Hello there.')
    assert.deepEqual(await server.run(url, 'SELECT key, message_count::int FROM sessions'), [{ key: 'kept', message_count: 2 }])
    assert.ok(!globSync(join(gateway.folder, 'state', '*')).some((file) => file.endsWith('carapace.db')))
    assert.equal((await gateway.request('/health/ready')).status, 200)
    assert.doesNotMatch(gateway.logged() + JSON.stringify(await gateway.client.call('config.get', {})), /hush-hush/)
  })
})
