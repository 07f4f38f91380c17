/** Gateways on a PostgreSQL that they share. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { agentEvent, agentResumeResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import { clusterStatusResult } from '../../src/contracts/ws/cluster.ts'
import { cronEvent } from '../../src/contracts/ws/cron.ts'
import { statusResult } from '../../src/contracts/ws/health.ts'
import { deviceListResult } from '../../src/contracts/ws/devices.ts'
import { taskEvent } from '../../src/contracts/ws/task.ts'
import { SCHEMA } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/open-store.ts'
import { cutProxy } from '../doubles/cut-proxy.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'
import { connectSocket, type SocketClient } from '../doubles/socket-client.ts'
import { until } from '../doubles/until.ts'

const TOKEN = 'one-token-for-every-node-of-this-test-0123456789'
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

  async function two() {
    const url = await server.create()
    const start = () => configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    return { url, a: await start(), b: await start() }
  }

  const nodesOf = async (at: ConfiguredGateway) => clusterStatusResult.parse(await at.client.call('cluster.status')).nodes
  const sent = async (to: ConfiguredGateway, message: string, sessionKey: string) =>
    chatSendResult.parse(await to.client.call('chat.send', { message, sessionKey, idempotencyKey: message }))
  const end = async (to: ConfiguredGateway, runId: string) =>
    agentWaitResult.parse(await to.client.call('agent.wait', { runId, timeoutMs: 20_000, untilEnd: true }))

  it('keeps one order in a conversation, whichever node a message comes to, and tells on each what runs on the other', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    const gate = Promise.withResolvers<string>()
    const first = chatReply({ text: ['one', ' and done'] })
    a.upstream.script({ ...first, pieces: [gate.promise] })
    for (const each of [a, b]) for (let index = 0; index < 3; index++) each.upstream.script(chatReply({ text: [`later`] }))
    const one = await sent(a, 'first', 'shared')
    const rest = []
    for (const [index, to] of [b, a, b].entries()) rest.push(await sent(to, `message ${index}`, 'shared'))
    assert.deepEqual(
      rest.map(({ status }) => status),
      ['queued', 'queued', 'queued'],
    )
    // Another conversation does not wait.
    assert.equal((await b.chat('elsewhere', 'other')).status, 'completed')
    b.upstream.script(chatReply({ text: ['later'] }))
    gate.resolve(first.pieces.map(String).join(''))
    const ends = []
    for (const { runId } of [one, ...rest]) ends.push(await end(b, runId))
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok'],
    )
    const rows = await server.run(url, `SELECT kind, data FROM entries JOIN sessions ON sessions.id = session_id WHERE key = 'shared' ORDER BY entries.id`)
    assert.deepEqual(
      rows.map(({ kind, data }) => `${String(kind)} ${/"text":"([^"]*)"/.exec(String(data))?.[1]}`),
      ['user first', 'reply one and done', 'user message 0', 'reply later', 'user message 1', 'reply later', 'user message 2', 'reply later'],
    )
  })

  it('streams a turn to the clients of every node in order, and resumes a stream on another node', async () => {
    const { a, b } = await two()
    await using _a = a
    await using _b = b
    const heard = { a: [] as unknown[], b: [] as unknown[] }
    a.client.onEvent((event, payload) => void (event === 'agent' && heard.a.push(payload)))
    b.client.onEvent((event, payload) => void (event === 'agent' && heard.b.push(payload)))
    await until(async () => (await nodesOf(a)).length === 2 && (await nodesOf(b)).length === 2)
    // A node knows of the listeners of another with the sign of life that follows theirs.
    const connected = Date.now()
    await until(async () => (await nodesOf(a)).every(({ lagMs }) => Date.now() - lagMs > connected + 1100))
    const gate = Promise.withResolvers<string>()
    const whole = chatReply({ text: ['alpha ', 'beta ', 'gamma'] })
    const [start = '', ...pieces] = whole.pieces.map(String)
    a.upstream.script({ ...whole, pieces: [start, ...pieces.slice(0, 2), gate.promise] })
    const { runId } = await sent(a, 'stream', 'streamed')
    const textOf = (events: readonly unknown[]) =>
      events
        .map((event) => agentEvent.parse(event))
        .flatMap((event) => (event.stream === 'text' && 'delta' in event.data ? [event.data.delta] : []))
        .join('')
    await until(() => textOf(heard.b).startsWith('alpha'))
    const early = agentResumeResult.parse(await b.client.call('agent.resume', { runId, afterSeq: 0 }))
    assert.equal(early.status, 'open')
    assert.ok(textOf(early.events).startsWith('alpha'))
    gate.resolve(pieces.slice(2).join(''))
    assert.equal((await end(b, runId)).status, 'ok')
    const late = agentResumeResult.parse(await b.client.call('agent.resume', { runId, afterSeq: early.seq }))
    assert.equal(textOf(early.events) + textOf(late.events), 'alpha beta gamma')
    assert.deepEqual([late.status, late.events.at(-1)?.stream], ['ended', 'complete'])
    const all = [...early.events, ...late.events].flatMap(({ turnSeq }) => turnSeq ?? [])
    assert.deepEqual(
      all,
      all.map((_, index) => index + 1),
    )
    await until(() => heard.b.length > 0 && agentEvent.parse(heard.b.at(-1)).stream === 'complete')
    assert.deepEqual([textOf(heard.a), textOf(heard.b)], ['alpha beta gamma', 'alpha beta gamma'])
    const seqs = heard.b.map((event) => agentEvent.parse(event).turnSeq ?? 0)
    assert.deepEqual(
      seqs,
      seqs.toSorted((x, y) => x - y),
    )
    await assert.rejects(b.client.call('agent.resume', { runId: 'turn_none', afterSeq: 0 }), { code: 'turn/not-found' })
  })

  it('takes an answer on any node, and cancels from any', async () => {
    const { a, b } = await two()
    await using _a = a
    await using _b = b
    a.upstream.script(chatReply({ calls: [{ id: 'call_1', name: 'web_fetch', arguments: '{"url":"https://unasked.invalid/x"}' }] }))
    b.upstream.script(chatReply({ text: ['Nothing there.'] }))
    const { runId } = await sent(a, 'look it up', 'asked')
    const waiting = agentWaitResult.parse(await b.client.call('agent.wait', { runId, timeoutMs: 20_000 }))
    assert.equal(waiting.status, 'waiting')
    const [approval] = waiting.approvals ?? []
    assert.ok(approval !== undefined)
    await b.client.call('approvals.resolve', { answers: [{ id: approval.id, hash: approval.hash, decision: 'deny' }] })
    assert.equal((await end(a, runId)).result?.text, 'Nothing there.')

    a.upstream.script(chatReply({ text: ['never'] }, 'hang'))
    const running = await sent(a, 'run for ever', 'cancelled')
    const queued = await sent(b, 'and then this', 'cancelled')
    assert.deepEqual(await b.client.call('chat.abort', { sessionKey: 'cancelled' }), { aborted: 2 })
    for (const { runId: id } of [running, queued]) assert.equal((await end(a, id)).result?.status, 'cancelled')
  })

  it('cancels a turn on a node that was cut off at that moment, and one whose node does not come back', async () => {
    const url = await server.create()
    const proxy = await cutProxy(server.port)
    try {
      await using a = await configuredGateway({ store: { url: url.replace(String(server.port), String(proxy.port)) } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
      await using b = await configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
      const never = chatReply({ text: ['for ever'] })
      const begun = async (conversation: string) => {
        a.upstream.script({ ...never, pieces: [new Promise<string>(() => undefined)] })
        const asked = a.upstream.requests.length
        const { runId } = await sent(a, `run for ever in ${conversation}`, conversation)
        await until(() => a.upstream.requests.length > asked)
        return runId
      }
      const cut = await begun('cut')
      proxy.cut()
      assert.deepEqual(await b.client.call('chat.abort', { sessionKey: 'cut' }), { aborted: 1 })
      proxy.restore()
      assert.equal((await end(b, cut)).result?.status, 'cancelled')
      const silent = await begun('silent')
      proxy.silence()
      assert.deepEqual(await b.client.call('turns.cancel', { runId: silent }), { runId: silent, cancelled: true })
      assert.equal((await end(b, silent)).result?.status, 'cancelled')
      proxy.restore()
      assert.equal(b.upstream.requests.length, 0, 'nobody went on with it')
      // What a node still runs of a turn that another one took ends there, too.
      await until(async () => statusResult.parse(await a.client.call('status')).activeTurns === 0)
    } finally {
      await proxy.close()
    }
  })

  it('cluster.status lists the nodes, and cluster.drain keeps one from taking anything new', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    await until(async () => (await nodesOf(a)).length === 2)
    const status = clusterStatusResult.parse(await a.client.call('cluster.status'))
    assert.ok(status.nodes.every(({ alive, draining, turns }) => alive && !draining && turns === 0))
    const other = status.nodes.find(({ id }) => id !== status.self)
    assert.equal(other?.url, b.url)
    // Each has a model server of its own.
    assert.deepEqual([status.nodes.find(({ id }) => id === status.self)?.sameConfig, other.sameConfig], [true, false])
    await a.client.call('cluster.drain', { id: other?.id, draining: true })
    await until(async () => (await b.request('/health/ready')).status === 503)
    await assert.rejects(b.chat('hello'), { code: 'gateway/stopping' })
    a.upstream.script(chatReply({ text: ['here'] }))
    assert.equal((await a.chat('hello')).text, 'here')
    await a.client.call('cluster.drain', { id: other?.id, draining: false })
    await until(async () => (await b.request('/health/ready')).status === 200)
    await assert.rejects(a.client.call('cluster.drain', { id: 'node_none', draining: true }), { code: 'cluster/unknown-node' })
    await b.stop()
    assert.equal((await nodesOf(a)).length, 1)
    assert.deepEqual(await server.run(url, 'SELECT count(*)::int AS held FROM turns WHERE finished = 0'), [{ held: 0 }])
  })

  it('alone, a gateway says so', async () => {
    await using alone = await configuredGateway()
    assert.deepEqual(await alone.client.call('cluster.status'), { self: null, nodes: [], settings: { version: 0, values: [] } })
    await assert.rejects(alone.client.call('cluster.drain', { id: 'x', draining: true }), { code: 'cluster/none' })
    await assert.rejects(alone.client.call('agent.resume', { runId: 'turn_none', afterSeq: 0 }), { code: 'turn/not-found' })
  })

  it('counts failed attempts over all nodes, and ends a device everywhere', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    await until(async () => (await nodesOf(a)).length === 2)
    const wrong = async (at: ConfiguredGateway) => (await at.request('/v1/models', { token: 'wrong' })).status
    // Half of them here, half there: neither node alone has seen too many.
    for (let index = 0; index < 6; index++) assert.equal(await wrong(index % 2 === 0 ? a : b), 401)
    await until(async () => (await wrong(a)) === 429)
    await until(async () => (await wrong(b)) === 429)
    assert.equal((await b.request('/v1/models')).status, 200, 'the right token opens all the time')

    const id = 'ab'.repeat(32)
    await server.run(
      url,
      `INSERT INTO devices (id, public_key, name, scopes, token_hash, token_expires_at, claim_until, approved_by, created_at, last_used_at, revoked_at, version)
        VALUES ('${id}', 'key', 'laptop', '["operator.read"]', 'hash', 9000000000000, NULL, 'owner', 1, NULL, NULL, 1);
      SELECT pg_notify('carapace', '{"kind":"credentials","node":"node_other"}')`,
    )
    const statusOn = async (at: ConfiguredGateway) =>
      deviceListResult.parse(await at.client.call('device.list')).devices.find((device) => device.id === id)?.status
    await until(async () => (await statusOn(a)) === 'paired' && (await statusOn(b)) === 'paired')
    await a.client.call('device.token.revoke', { deviceId: id })
    await until(async () => (await statusOn(b)) === 'revoked')
  })

  it('an older node writes nothing under a newer schema, and a newer one changes it when it is alone or told to', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await b.stop()
    await using _b = b
    await server.run(
      url,
      `UPDATE nodes SET schema = schema - 1; UPDATE meta SET value = (value::int - 1)::text WHERE name = 'schema';
      -- What the newest step of the schema made.
      DROP TABLE work_events`,
    )
    const later = async (migrate: boolean) => openStore({ path: '', url, synchronous: 'full', migrate })
    await assert.rejects(later(false), { code: 'store/in-use' })
    await assert.rejects(a.chat('hello'), { code: 'store/newer' })
    assert.equal((await a.request('/health/ready')).status, 503)
    await (await later(true)).close()
    assert.deepEqual(await server.run(url, `SELECT value::int AS schema FROM meta WHERE name = 'schema'`), [{ schema: SCHEMA }])
    assert.deepEqual(await server.run(url, 'SELECT data FROM work_events'), [])
  })

  it('tells the clients of every node what becomes of jobs and tasks, in one order, wherever it happens', async () => {
    const { a, b } = await two()
    await using _a = a
    await using _b = b
    for (const node of [a, b]) node.upstream.script(...Array.from({ length: 4 }, () => chatReply({ text: ['done'] })))
    const [onA, onB] = [await connectSocket(a, {}, TOKEN), await connectSocket(b, {}, TOKEN)]
    const heardBy = ({ frames }: SocketClient) =>
      frames.flatMap((frame) => {
        if (frame.type !== 'event' || (frame.event !== 'task' && frame.event !== 'cron')) return []
        if (frame.event === 'cron') return [`job ${cronEvent.parse(frame.payload).job.name} ${cronEvent.parse(frame.payload).action}`]
        const { action, task } = taskEvent.parse(frame.payload)
        return [`task ${task.prompt} ${action}`]
      })
    await a.client.call('cron.add', { name: 'tea', schedule: { every: '1h' }, prompt: 'Make tea' })
    await b.client.call('cron.update', { name: 'tea', enabled: false })
    await a.client.call('task.create', { prompt: 'Sort my notes' })
    await until(() => heardBy(onB).includes('task Sort my notes done'))
    await b.client.call('cron.remove', { name: 'tea' })
    await until(() => heardBy(onA).length >= 6 && heardBy(onB).length >= 6)
    assert.deepEqual(heardBy(onA), heardBy(onB))
    assert.deepEqual(heardBy(onA).toSorted(), [
      ...['added', 'paused', 'removed'].map((action) => `job tea ${action}`),
      ...['created', 'done', 'running'].map((action) => `task Sort my notes ${action}`),
    ])
    await Promise.all([onA.close(), onB.close()])
  })

  it('fires a job on one node', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    for (const each of [a, b]) each.upstream.script(...Array.from({ length: 8 }, () => chatReply({ text: ['done'] })))
    const at = new Date(Date.now() + 5000).toISOString().slice(0, 19)
    const names = Array.from({ length: 6 }, (_, index) => `job-${index}`)
    for (const [index, name] of names.entries())
      await (index % 2 === 0 ? a : b).client.call('cron.add', { name, schedule: { at, timeZone: 'UTC' }, prompt: 'Say done.' })
    const runs = () => server.run(url, 'SELECT job_id, status FROM job_runs')
    await until(async () => (await runs()).filter(({ status }) => status === 'ok').length === names.length)
    assert.deepEqual(await server.run(url, 'SELECT count(*)::int AS count FROM turns'), [{ count: names.length }])
    assert.equal(a.upstream.requests.length + b.upstream.requests.length, names.length)
  })

  it('runs each try of a task on one node, and takes up what another one left', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    const gate = Promise.withResolvers<string>()
    for (const each of [a, b]) each.upstream.script(...Array.from({ length: 8 }, () => chatReply({ text: ['done'] })))
    for (let index = 0; index < 6; index++) await (index % 2 === 0 ? a : b).client.call('task.create', { prompt: `task ${index}` })
    const tasks = () => server.run(url, 'SELECT id, state, attempts, turn_id, run_until::float8 AS until FROM tasks ORDER BY created_at DESC')
    await until(async () => (await tasks()).every(({ state }) => state === 'done'))
    assert.ok((await tasks()).every(({ attempts }) => Number(attempts) === 1))
    assert.deepEqual(await server.run(url, 'SELECT count(*)::int AS count FROM turns'), [{ count: 6 }])
    // One whose model does not answer: a node that starts gives it no more time, and one that stops leaves it to the others.
    await using c = await configuredGateway({ store: { url }, gateway: { drainMs: 100 } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    c.upstream.script({ ...chatReply({ text: ['never'] }), pieces: [gate.promise] })
    await a.stop()
    await c.client.call('task.create', { prompt: 'left behind' })
    await until(() => c.upstream.requests.length === 1)
    const [before] = await tasks()
    await using d = await configuredGateway({ store: { url } }, { CARAPACE_GATEWAY_TOKEN: TOKEN })
    for (const each of [b, d]) each.upstream.script(...Array.from({ length: 8 }, () => chatReply({ text: ['done'] })))
    assert.deepEqual((await tasks())[0], before)
    await c.stop()
    gate.resolve('')
    await until(async () => (await tasks())[0]?.['state'] === 'done')
    assert.equal(Number((await tasks())[0]?.['attempts']), 1)
    assert.deepEqual(await server.run(url, 'SELECT count(*)::int AS count FROM turns'), [{ count: 7 }])
  })

  it('goes on with a task when the setting that it waits for is shared', async () => {
    const { a, b, url } = await two()
    await using _a = a
    await using _b = b
    for (const each of [a, b]) each.upstream.script(...Array.from({ length: 4 }, () => chatReply({ text: ['done'] })))
    await a.client.call('task.create', { prompt: 'sort', model: 'quick' })
    const stands = () => server.run(url, 'SELECT state, blocked_reason FROM tasks')
    await until(async () => (await stands())[0]?.['blocked_reason'] === 'config_missing')
    await b.client.call('cluster.set', { key: 'routes', value: { quick: { models: ['openai:test'] } } })
    await until(async () => (await stands())[0]?.['state'] === 'done')
  })
})
