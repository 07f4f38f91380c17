/** The WebSocket door: who gets in, with which scopes, and every limit of the protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { closeCodes, eventNames, wsLimits } from '../../src/contracts/ws-protocol.ts'
import { healthResult } from '../../src/contracts/ws/health.ts'
import { helloOk, shutdownEvent, stateDropEvent, tickEvent } from '../../src/contracts/ws/connection.ts'
import { methods } from '../../src/server/methods/registry.ts'
import { openDoors, READER_TOKEN, TOKEN } from '../doubles/open-doors.ts'
import { untilAborted } from '../doubles/scripted-gateway.ts'
import { CONNECT, connectSocket, openSocket, refusedUpgrade } from '../doubles/socket-client.ts'

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }

test('A2 A5 A6 B1 the upgrade is refused before 101', async () => {
  await using doors = await openDoors()
  assert.equal(await refusedUpgrade(doors, {}), 401)
  assert.equal(await refusedUpgrade(doors, { authorization: 'Bearer wrong' }), 401)
  assert.equal(await refusedUpgrade(doors, { ...AUTHORIZED, origin: 'http://evil.example' }), 403)
  assert.equal(await refusedUpgrade(doors, { ...AUTHORIZED, origin: 'null' }), 403)
  assert.equal(await refusedUpgrade(doors, { ...AUTHORIZED, host: 'evil.example' }), 421)
  assert.equal(await refusedUpgrade(doors, { ...AUTHORIZED, 'x-forwarded-for': '127.0.0.1' }), 403)
  assert.equal(await refusedUpgrade(doors, {}, ['carapace.v3', 'bearer.wrong']), 401)
})

test('a browser sends the token as a protocol name, which is never echoed', async () => {
  await using doors = await openDoors()
  const client = await openSocket(doors, { headers: { origin: doors.url } }, ['carapace.v3', `bearer.${TOKEN}`])
  assert.equal(client.socket.protocol, 'carapace.v3')
  assert.ok((await client.call('connect', CONNECT)).ok)
  await client.close()
})

test('C1 granted scopes are those that the credential holds and the client asked for', async () => {
  await using doors = await openDoors()
  const granted = async (token: string, scopes?: readonly string[]) => {
    const client = await openSocket(doors, { headers: { authorization: `Bearer ${token}` } })
    const { payload } = await client.call('connect', { ...CONNECT, ...(scopes === undefined ? {} : { scopes }) })
    const write = await client.call('chat.send', { message: 'x', idempotencyKey: 'x' })
    await client.close()
    return { scopes: helloOk.parse(payload).auth.scopes, mayWrite: write.ok }
  }
  assert.deepEqual(await granted(TOKEN), { scopes: ['operator.admin'], mayWrite: true })
  // An empty list is none (C2).
  assert.deepEqual(await granted(TOKEN, []), { scopes: [], mayWrite: false })
  assert.deepEqual(await granted(TOKEN, ['operator.read']), { scopes: ['operator.read'], mayWrite: false })
  assert.deepEqual(await granted(READER_TOKEN, ['operator.admin', 'operator.write', 'operator.read']), { scopes: ['operator.read'], mayWrite: false })
  assert.deepEqual(await granted(READER_TOKEN, ['operator.admin']), { scopes: [], mayWrite: false })
  assert.deepEqual(await granted(READER_TOKEN), { scopes: ['operator.read'], mayWrite: false })
})

test('C6 every method asks for its scope', async () => {
  await using doors = await openDoors()
  const reader = await connectSocket(doors, {}, READER_TOKEN)
  const nobody = await connectSocket(doors, { scopes: ['operator.nothing'] })
  for (const { name, scope } of methods) {
    assert.notEqual(scope, 'public')
    assert.equal((await nobody.call(name, {})).error?.code, 'auth/forbidden', name)
    if (scope !== 'operator.read') assert.equal((await reader.call(name, {})).error?.code, 'auth/forbidden', name)
  }
  assert.equal(doors.gateway.messages.length, 0)
  assert.equal((await reader.call('nothing.here')).error?.code, 'request/not-found')
  assert.equal((await reader.call('health', { extra: 1 })).error?.code, 'request/invalid')
})

test('the first request must be connect, once, with our protocol', async () => {
  await using doors = await openDoors()
  const cases: readonly (readonly [frame: unknown, code: number])[] = [
    [{ type: 'req', id: '1', method: 'health' }, closeCodes.policy],
    [{ type: 'req', id: '1', method: 'connect', params: {} }, closeCodes.policy],
    [{ type: 'req', id: '1', method: 'connect', params: { ...CONNECT, minProtocol: 4, maxProtocol: 5 } }, closeCodes.protocol],
    [{ type: 'req', id: '1', method: 'connect', params: { ...CONNECT, minProtocol: 1, maxProtocol: 2 } }, closeCodes.protocol],
    [{ type: 'req', id: '1', method: 'connect', params: { ...CONNECT, client: { ...CONNECT.client, id: 'stranger' } } }, closeCodes.policy],
    ['not json', closeCodes.protocol],
    [{ type: 'event', event: 'tick', payload: {}, seq: 1 }, closeCodes.protocol],
    [{ type: 'req', id: '1', method: 'connect', extra: 1 }, closeCodes.protocol],
  ]
  for (const [frame, code] of cases) {
    const client = await openSocket(doors)
    client.send(frame)
    assert.equal(await client.closed, code, JSON.stringify(frame))
  }
  const client = await connectSocket(doors)
  assert.equal((await client.call('connect', CONNECT)).error?.code, 'request/not-found')
  await client.close()
})

test('I1 a frame over the limit closes with 1009, a binary or deep one with 1002', async () => {
  await using doors = await openDoors()
  const large = await connectSocket(doors)
  large.socket.on('error', () => undefined)
  large.send('x'.repeat(wsLimits.maxPayload + 1))
  assert.equal(await large.closed, closeCodes.tooBig)
  const binary = await connectSocket(doors)
  binary.socket.send(Buffer.from(JSON.stringify({ type: 'req', id: '1', method: 'health' })))
  assert.equal(await binary.closed, closeCodes.protocol)
  const deep = await connectSocket(doors)
  deep.send(`{"type":"req","id":"1","method":"health","params":${'['.repeat(32)}${']'.repeat(32)}}`)
  assert.equal(await deep.closed, closeCodes.protocol)
})

test('I1 too many messages: each is refused and asked to wait, three strikes and out, others stay', async () => {
  await using doors = await openDoors({}, { now: () => 1_700_000_000_000 })
  const other = await connectSocket(doors)
  const client = await connectSocket(doors)
  for (let index = 0; index < wsLimits.messageBurst - 1; index++) client.send({ type: 'req', id: `b${index}`, method: 'health' })
  await client.frame((frame) => frame.type === 'res' && frame.id === `b${wsLimits.messageBurst - 2}`)
  for (let index = 0; index < 3; index++) client.send({ type: 'req', id: `over${index}`, method: 'health' })
  assert.equal(await client.closed, closeCodes.policy)
  const answers = client.frames.flatMap((frame) => (frame.type === 'res' && frame.id.startsWith('over') ? [frame] : []))
  assert.deepEqual(
    answers.map(({ id, error }) => [id, error?.code, error?.details]),
    ['over0', 'over1'].map((id) => [id, 'request/rate-limited', { retryAfterMs: 17 }]),
  )
  assert.ok((await other.call('health')).ok)
  await other.close()
})

test('I1 requests run concurrently, up to a limit, and ids are unique while they run', async () => {
  await using doors = await openDoors()
  doors.gateway.script = ({ signal }) => untilAborted(signal)
  const client = await connectSocket(doors)
  const { payload } = await client.call('agent', { message: 'wait', idempotencyKey: 'k' })
  const runId = String(Object(payload).runId)
  for (let index = 0; index < wsLimits.maxInFlight; index++)
    client.send({ type: 'req', id: `w${index}`, method: 'agent.wait', params: { runId, timeoutMs: 60_000 } })
  assert.equal((await client.call('health', {}, 'w0')).error?.code, 'request/invalid')
  assert.equal((await client.call('health')).error?.code, 'request/rate-limited')
  assert.equal(await doors.gateway.abort({ turnId: runId }, 'test'), 1)
  await client.frame((frame) => frame.type === 'res' && frame.id === 'w63')
  assert.ok((await client.call('health')).ok)
  await client.close()
})

test('I1 connections are limited', async () => {
  await using doors = await openDoors({ maxConnections: 2 })
  const first = await connectSocket(doors)
  const second = await openSocket(doors)
  assert.equal(await refusedUpgrade(doors, AUTHORIZED), 429)
  await second.close()
  await (await connectSocket(doors)).close()
  assert.ok((await first.call('health')).ok)
  await first.close()
})

test('I1 the handshake has a deadline', async () => {
  await using doors = await openDoors({ requestTimeoutMs: 100 })
  const done = await connectSocket(doors)
  const silent = await openSocket(doors)
  assert.equal(await silent.closed, closeCodes.normal)
  assert.ok((await done.call('health')).ok)
  await done.close()
})

test('I1 a client that stops reading is told and closed; others go on', async () => {
  await using doors = await openDoors()
  const release = Promise.withResolvers<void>()
  doors.gateway.script = async ({ emit, signal }) => {
    await release.promise
    for (let index = 0; index < 400 && !signal.aborted; index++) {
      emit({ type: 'text-delta', text: 'x'.repeat(60 * 1024) })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { text: 'done' }
  }
  const slow = await connectSocket(doors)
  const good = await connectSocket(doors, { events: ['chat'] })
  slow.socket.pause()
  const sent = good.call('chat.send', { message: 'go', idempotencyKey: 'k', wait: true })
  release.resolve()
  assert.ok((await sent).ok)
  slow.socket.resume()
  assert.ok([closeCodes.policy, 1006].includes(await slow.closed))
  const drop = slow.frames.find((frame) => frame.type === 'event' && frame.event === 'state.drop')
  // A socket that is torn down with its buffer full may take the news with it.
  if (drop?.type === 'event') assert.equal(stateDropEvent.parse(drop.payload).reason, 'slow client')
  else assert.equal(await slow.closed, 1006)
  const { payload } = await good.call('status')
  assert.equal(Object(payload).connections, 1)
  await good.close()
})

test('I1 an event over the limit is replaced by a marker', async () => {
  await using doors = await openDoors()
  doors.gateway.script = () => ({ text: 'y'.repeat(wsLimits.maxBroadcastPayload + 1) })
  const client = await connectSocket(doors)
  await client.call('chat.send', { message: 'go', idempotencyKey: 'k' })
  const agent = await client.event('agent', (payload) => Object(payload).stream === 'complete')
  assert.equal(Object(agent).data.truncated, true)
  assert.equal(Object(await client.event('chat')).truncated, true)
  await client.close()
})

test('ticks come, and health when readiness changes; who did not ask gets none', async (t) => {
  await using doors = await openDoors()
  t.mock.timers.enable({ apis: ['setInterval'] })
  const client = await connectSocket(doors)
  const other = await connectSocket(doors, { events: [] })
  const nobody = await connectSocket(doors, { scopes: ['operator.nothing'] })
  t.mock.timers.tick(wsLimits.tickIntervalMs)
  assert.ok(tickEvent.parse(await client.event('tick')).ts > 0)
  assert.ok((await client.call('health')).ok)
  assert.ok(!client.frames.some((frame) => frame.type === 'event' && frame.event === 'health'))
  doors.gateway.notReady.push('no model is configured')
  t.mock.timers.tick(wsLimits.tickIntervalMs)
  assert.deepEqual(healthResult.parse(await client.event('health')).notReady, ['no model is configured'])
  for (const quiet of [other, nobody]) {
    await quiet.call('health')
    assert.ok(quiet.frames.every((frame) => frame.type === 'res' || frame.event === 'connect.challenge'))
  }
})

test('I1 a peer that answers no ping is dropped', async (t) => {
  await using doors = await openDoors()
  t.mock.timers.enable({ apis: ['setInterval'] })
  const dead = await openSocket(doors, { headers: { authorization: `Bearer ${TOKEN}` }, autoPong: false })
  assert.ok((await dead.call('connect', CONNECT)).ok)
  const pinged = new Promise((resolve) => dead.socket.once('ping', resolve))
  t.mock.timers.tick(wsLimits.tickIntervalMs)
  await pinged
  t.mock.timers.tick(wsLimits.tickIntervalMs)
  assert.equal(await dead.closed, 1006)
})

test('L2 errors and events never hold a token, a stack or a path', async () => {
  await using doors = await openDoors()
  doors.gateway.script = () => {
    throw new AppError('provider/auth', 'refused')
  }
  const client = await connectSocket(doors)
  await client.call('chat.send', { message: 'go', idempotencyKey: 'k', wait: true })
  await client.call('sessions.rename', { key: 'nobody', title: 'x' })
  const text = JSON.stringify(client.frames)
  for (const secret of [TOKEN, 'node_modules', 'at file:', '.ts:']) assert.ok(!text.includes(secret), secret)
  assert.deepEqual(new Set(client.frames.filter((frame) => frame.type === 'event').map((frame) => frame.event)).difference(new Set<string>(eventNames)).size, 0)
  await client.close()
})

test('closing tells everybody and ends with 1012, after running turns', async () => {
  await using doors = await openDoors()
  const release = Promise.withResolvers<void>()
  doors.gateway.script = async () => {
    await release.promise
    return { text: 'late' }
  }
  const client = await connectSocket(doors)
  const answer = client.call('chat.send', { message: 'go', idempotencyKey: 'k', wait: true })
  await client.event('agent')
  const closing = doors.server.close(5000)
  assert.equal((await client.call('chat.send', { message: 'more', idempotencyKey: 'k2' })).error?.code, 'gateway/stopping')
  release.resolve()
  assert.equal(Object((await answer).payload).result.text, 'late')
  await closing
  assert.equal(await client.closed, closeCodes.restart)
  assert.equal(shutdownEvent.parse(await client.event('shutdown')).reason, 'the gateway is stopping')
})
