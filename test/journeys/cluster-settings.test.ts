/** Settings that all gateways on one store go by. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clusterChangeResult, clusterStatusResult } from '../../src/contracts/ws/cluster.ts'
import { statusResult } from '../../src/contracts/ws/health.ts'
import { dbPruneResult } from '../../src/contracts/ws/data.ts'
import { configGetResult } from '../../src/contracts/ws/config.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { connectGateway } from '../../src/net/gateway-client.ts'
import { newestReceipts } from '../../src/telemetry/audit/newest.ts'
import { until } from '../doubles/until.ts'
import { cara, fakeServices } from './cli-fixture.ts'

const TOKEN = 'one-token-for-every-node-of-this-test-0123456789'
const missing = installPostgres()

describe('shared settings', { skip: missing !== null && missing }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const start = (url: string, more: Readonly<Record<string, string>> = {}) => configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN, ...more })
  const statusOf = async (at: ConfiguredGateway) => clusterStatusResult.parse(await at.client.call('cluster.status'))
  const own = async (at: ConfiguredGateway) => {
    const { self, nodes } = await statusOf(at)
    return nodes.find(({ id }) => id === self)
  }
  const set = async (at: ConfiguredGateway, key: string, value: unknown) =>
    clusterChangeResult.parse(await at.client.call('cluster.set', { key, value })).version
  const valueAt = async (at: ConfiguredGateway, key: string) => configGetResult.parse(await at.client.call('config.get', { key })).value
  const goesBy = async (at: ConfiguredGateway, version: number) => until(async () => (await own(at))?.settings === version)

  it('cluster.set changes a setting on every node while it runs, and cluster.unset takes it back', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url)
    assert.equal(await set(a, 'agent.systemPrompt', 'Answer like a pirate.'), 1)
    assert.equal(await set(b, 'agent.model', 'openai:other'), 2)
    assert.equal(await set(a, 'agent.budgets.maxOutputTokens', '1000'), 3)
    await goesBy(a, 3)
    await goesBy(b, 3)
    for (const node of [a, b]) {
      node.upstream.script(chatReply({ text: ['Arr.'] }))
      assert.equal((await node.chat('hello', node.url)).text, 'Arr.')
      assert.equal(node.sent(0).model, 'other')
      assert.match(String(node.sent(0).messages[0]?.content), /Answer like a pirate/)
      assert.equal(await valueAt(node, 'agent.budgets.maxOutputTokens'), 1000)
    }
    const receipts = () => newestReceipts(join(a.folder, 'state', 'audit'), 9, 'config-changed')
    await until(() => receipts().some(({ path, action, by }) => path === 'agent.systemPrompt' && action === 'set' && by === 'owner'))
    // One that comes later begins with them.
    await using c = await start(url)
    assert.equal((await own(c))?.settings, 3)
    assert.equal(await valueAt(c, 'agent.model'), 'openai:other')
    clusterChangeResult.parse(await c.client.call('cluster.unset', { key: 'agent.model' }))
    for (const node of [a, b, c]) await until(async () => (await valueAt(node, 'agent.model')) === 'openai:test')
    a.upstream.script(chatReply({ text: ['Arr.'] }))
    await a.chat('hello again', a.url)
    assert.equal(a.sent(1).model, 'test')
    assert.deepEqual(
      (await statusOf(b)).settings.values.map(({ path, value, by }) => [path, value, by]),
      [
        ['agent.systemPrompt', 'Answer like a pirate.', 'owner'],
        ['agent.budgets.maxOutputTokens', 1000, 'owner'],
      ],
    )
    await assert.rejects(c.client.call('cluster.unset', { key: 'agent.model' }), { code: 'config/unknown-key' })
  })

  it('bounds turns, and what is logged, by what is shared', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url)
    await set(a, 'agent.maxConcurrentTurns', 1)
    await set(a, 'agent.maxQueuedPerSession', 1)
    await set(a, 'logging.level', 'error')
    await goesBy(b, 3)
    await set(a, 'agent.temperature', 0.5)
    await goesBy(b, 4)
    await set(a, 'logging.level', 'info')
    await goesBy(b, 5)
    await set(a, 'agent.temperature', 0.6)
    await until(() => b.logged().includes('"settings.applied","version":6'))
    assert.match(b.logged(), /"settings.applied","version":3/)
    assert.doesNotMatch(b.logged(), /"settings.applied","version":4/)
    const gate = Promise.withResolvers<string>()
    const whole = chatReply({ text: ['first'] })
    b.upstream.script({ ...whole, pieces: [gate.promise] }, chatReply({ text: ['second'] }), chatReply({ text: ['third'] }))
    a.upstream.script(chatReply({ text: ['second'] }), chatReply({ text: ['third'] }))
    const send = async (message: string, sessionKey: string) => b.client.call('chat.send', { message, sessionKey, idempotencyKey: message })
    await send('one', 'first')
    await until(() => b.upstream.requests.length === 1)
    await send('two', 'first')
    await assert.rejects(send('three', 'first'), { code: 'turn/queue-full' })
    await send('four', 'second')
    const status = statusResult.parse(await b.client.call('status'))
    assert.deepEqual([status.activeTurns, b.upstream.requests.length], [1, 1])
    gate.resolve(whole.pieces.map(String).join(''))
    await until(() => a.upstream.requests.length + b.upstream.requests.length === 3)
  })

  it('answers by routes, counts by prices and forgets by limits that are shared', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url)
    await set(a, 'routes.best', { models: ['openai:second'] })
    await set(a, 'usage.prices', { 'openai:second': { inputPerMTok: 0, outputPerMTok: 1_000_000 } })
    await goesBy(b, await set(a, 'agent.model', 'best'))
    b.upstream.script(chatReply({ text: ['Hello.'], usage: { input: 3, output: 2 } }))
    const { model, costUsd } = await b.chat('hello', 'main')
    assert.deepEqual([model, costUsd], ['openai:second', 2])
    const forgotten = async () => dbPruneResult.parse(await b.client.call('db.prune')).forgotten['usage']
    await server.run(url, 'UPDATE usage SET at = at - 86400000 * 5')
    assert.equal((await forgotten()) ?? 0, 0)
    await goesBy(b, await set(a, 'retention.usageDays', 4))
    assert.equal(await forgotten(), 1)
  })

  it('finds a change that nobody told it of, keeps what it cannot apply out, and cluster.status says why', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url, { CARAPACE_MODEL: 'openai:pinned' })
    const write = (version: number, path: string, value: string) =>
      server.run(
        url,
        `UPDATE meta SET value = '${version}' WHERE name = 'settings';
        INSERT INTO shared_settings (path, value, version, set_by, set_at) VALUES ('${path}', '${value}', ${version}, 'owner', 1)`,
      )
    // No notification: as for a node that was cut off.
    await write(1, 'agent.temperature', '0.5')
    for (const node of [a, b]) await until(async () => (await valueAt(node, 'agent.temperature')) === 0.5)
    // A newer program has a key that this one does not know.
    await write(2, 'agent.telepathy', 'true')
    for (const node of [a, b]) await until(async () => (await own(node))?.settingsFault !== null)
    assert.match((await own(a))?.settingsFault ?? '', /^config\/invalid: .*agent\.telepathy/s)
    assert.equal((await own(a))?.settings, 1)
    assert.equal(await valueAt(a, 'agent.temperature'), 0.5)
    await assert.rejects(set(a, 'agent.temperature', 0.7), { code: 'config/invalid' })
    await server.run(url, `DELETE FROM shared_settings WHERE path = 'agent.telepathy'; UPDATE meta SET value = '3' WHERE name = 'settings'`)
    await goesBy(a, 3)
    await goesBy(b, 3)
    assert.equal((await own(a))?.settingsFault, null)
    // What a node was started with by a variable stays.
    const version = await set(a, 'agent.model', 'openai:other')
    await goesBy(b, version)
    assert.equal(await valueAt(b, 'agent.model'), 'openai:pinned')
    assert.equal((await own(b))?.settingsFault, 'agent.model: CARAPACE_MODEL says otherwise here')
    assert.equal((await own(a))?.settingsFault, null)
  })

  it('shares nothing that decides about safety, that is secret, or that is not valid', async () => {
    const url = await server.create()
    await using a = await start(url)
    const refused = async (key: string, value: unknown, code: string) => assert.rejects(set(a, key, value), { code }, key)
    for (const [key, value] of [
      ['gateway.port', 1],
      ['guard.injection', 'off'],
      ['approvals.mode', 'shadow'],
      ['tools.policy', 'allow-all'],
      ['filesystem.roots', ['/']],
      ['exec.sandbox', 'unsandboxed'],
      ['store.url', 'postgres://elsewhere/x'],
      ['secrets.github', { value: 'hush' }],
      ['providers.openai.apiKey', 'sk-hush'],
      ['audit.keepFiles', 2],
      ['logging', { level: 'debug' }],
      ['logging.maxFileBytes', 1_000_000],
    ] as const)
      await refused(key, value, 'config/not-shared')
    await refused('agent.modle', 'openai:x', 'config/unknown-key')
    await refused('agent.temperature', 7, 'config/invalid')
    await refused('agent.systemPrompt', 'x'.repeat(70_000), 'request/too-large')
    await refused('agent.model', null, 'request/invalid')
    // Whoever changes settings learns nothing of the environment of a node.
    await set(a, 'agent.systemPrompt', '${CARAPACE_GATEWAY_TOKEN}')
    assert.equal(await valueAt(a, 'agent.systemPrompt'), '${CARAPACE_GATEWAY_TOKEN}')
    assert.deepEqual(await server.run(url, 'SELECT path, version::int AS version FROM shared_settings'), [{ path: 'agent.systemPrompt', version: 1 }])
  })

  it('of changes at the same moment none is lost', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url)
    const keys = ['retention.turnDays', 'retention.usageDays', 'retention.refusalDays', 'retention.approvalDays']
    const versions = await Promise.all(keys.map((key, index) => set(index % 2 === 0 ? a : b, key, 33 + index)))
    assert.deepEqual(
      versions.toSorted((x, y) => x - y),
      [1, 2, 3, 4],
    )
    for (const node of [a, b]) {
      await goesBy(node, 4)
      for (const [index, key] of keys.entries()) assert.equal(await valueAt(node, key), 33 + index)
    }
  })

  it('cara cluster set and unset change them, and cara cluster status shows which version each node goes by', async () => {
    const url = await server.create()
    await using a = await start(url)
    await using b = await start(url, { CARAPACE_MODEL: 'openai:pinned' })
    const connect = () => connectGateway({ url: a.url, token: new Secret(TOKEN), version: '1.2.3', signal: AbortSignal.timeout(10_000) })
    const run = (...argv: readonly string[]) => cara(['cluster', ...argv], { services: { ...fakeServices(), connect } })
    assert.equal((await run('set', 'agent.model', 'openai:other')).out, 'agent.model: version 1 of the shared settings\n')
    await goesBy(b, 1)
    const { out } = await run('status')
    assert.match(out, /node +state +host:pid +address +version +config +settings/)
    assert.match(out, /^node_\w+: agent\.model: CARAPACE_MODEL says otherwise here$/m)
    assert.match(out, /^agent\.model +"openai:other" +1 +owner/m)
    const refused = await run('set', 'guard.injection', 'off')
    assert.deepEqual([refused.code, /not shared[^]*cara config set guard\.injection/.test(refused.err)], [4, true], refused.err)
    assert.equal((await run('unset', 'agent.model')).out, 'agent.model: version 2 of the shared settings\n')
    assert.doesNotMatch((await run('status')).out, /shared setting/)
  })

  it('alone, a gateway has a file for that', async () => {
    await using alone = await configuredGateway()
    await assert.rejects(alone.client.call('cluster.set', { key: 'agent.model', value: 'openai:x' }), { code: 'cluster/none' })
    await assert.rejects(alone.client.call('cluster.unset', { key: 'agent.model' }), { code: 'cluster/none' })
  })
})
