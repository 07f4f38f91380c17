/** The client against a gateway that answers, lies, falls silent and leaves: a real server in this process. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocketServer, type WebSocket } from 'ws'
import { connectText } from '../../src/contracts/device.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { isSignature, keyId, makeSigningKey } from '../../src/std/ed25519.ts'
import { connectGateway, socketUrl, type ConnectOptions, type GatewayClient } from '../../src/net/gateway-client.ts'
import { listening } from '../doubles/listening.ts'

const HELLO = {
  type: 'hello-ok',
  protocol: 3,
  server: { version: '1', connId: 'c' },
  features: { methods: [], events: [] },
  snapshot: { health: { status: 'ok', version: '1', uptimeSeconds: 1, notReady: [] }, uptimeMs: 1 },
  auth: { role: 'operator', scopes: [] },
  policy: { maxPayload: 1, maxBroadcastPayload: 1, maxBufferedBytes: 1, tickIntervalMs: 1 },
}

interface Frame {
  readonly id: string
  readonly method: string
  readonly params?: unknown
}
interface Behaviour {
  readonly greet?: (socket: WebSocket) => void
  readonly hello?: unknown
  readonly answer?: (frame: Frame, socket: WebSocket) => void
  /** Plain HTTP in the place of an upgrade. */
  readonly status?: number
}

const event = (name: string, payload: unknown) => JSON.stringify({ type: 'event', event: name, payload, seq: 1 })
const challenge = (socket: WebSocket) => socket.send(event('connect.challenge', { nonce: 'n-1', ts: 1 }))
const answered = (id: string, payload?: unknown) => JSON.stringify({ type: 'res', id, ok: true, payload })

async function setUp(t: TestContext, { greet = challenge, hello = HELLO, answer = () => undefined, status }: Behaviour = {}) {
  const upgrades: IncomingMessage[] = []
  const sockets: WebSocket[] = []
  const raw: Socket[] = []
  const frames: Frame[] = []
  const server = createServer()
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true })
  server.on('connection', (socket) => void raw.push(socket.on('error', () => undefined)))
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(request)
    // The body never ends.
    if (status !== undefined) return void socket.write(`HTTP/1.1 ${status} No\r\nlocation: /elsewhere\r\ncontent-length: 100000\r\n\r\nx`)
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.push(webSocket)
      webSocket.on('error', () => undefined)
      webSocket.on('message', (data) => {
        const frame: Frame = JSON.parse(data instanceof Buffer ? data.toString('utf8') : '')
        frames.push(frame)
        if (frame.method === 'connect') webSocket.send(answered(frame.id, hello))
        else answer(frame, webSocket)
      })
      greet(webSocket)
    })
  })
  const port = await listening(server)
  t.after(() => {
    for (const socket of sockets) socket.terminate()
    server.close()
    server.closeAllConnections()
    for (const socket of raw) socket.destroy()
  })
  const connect = (more: Partial<ConnectOptions> = {}): Promise<GatewayClient> =>
    connectGateway({
      url: `http://127.0.0.1:${port}/some/path`,
      token: new Secret('token-of-the-gateway'),
      version: '1.2.3',
      signal: AbortSignal.timeout(60_000),
      ...more,
    })
  return { connect, upgrades, sockets, frames, raw, port, at: () => sockets.at(-1) ?? assert.fail('nobody connected') }
}

/** The other side has gone, whether it says goodbye or not. */
const left = (socket: Socket) => new Promise<void>((resolve) => void socket.resume().once('end', resolve).once('close', resolve))

const unreachable = (why: string | RegExp) => ({ code: 'gateway/unreachable', message: typeof why === 'string' ? new RegExp(why) : why })

/** Bounds in time that end when a test says so. */
function heldBounds(t: TestContext) {
  const bounds: { readonly ms: number; readonly end: () => void }[] = []
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    const controller = new AbortController()
    bounds.push({ ms, end: () => controller.abort(new DOMException('late', 'TimeoutError')) })
    return controller.signal
  })
  return bounds
}

/** Timers of a second and more, which end when a test says so. */
function heldTimers(t: TestContext) {
  const timers: { readonly ms: number; readonly end: () => void; refreshed: number; isCleared: boolean; isUnreferenced: boolean }[] = []
  const held = new Map<unknown, (typeof timers)[number]>()
  const { setTimeout: start, clearTimeout: stop } = globalThis
  t.mock.method(globalThis, 'setTimeout', (end: () => void, ms: number) => {
    if (!(ms >= 1000)) return start(end, ms)
    const timer = { ms, end, refreshed: 0, isCleared: false, isUnreferenced: false }
    const handle = { refresh: () => (timer.refreshed++, handle), unref: () => ((timer.isUnreferenced = true), handle) }
    timers.push(timer)
    held.set(handle, timer)
    return handle
  })
  t.mock.method(globalThis, 'clearTimeout', (handle: NodeJS.Timeout) => {
    const timer = held.get(handle)
    if (timer === undefined) stop(handle)
    else timer.isCleared = true
  })
  return timers
}

test('addresses: plain text reaches this machine only, and the path is ours', { timeout: 5000 }, () => {
  for (const [address, url] of [
    ['http://127.0.0.1:1/x?y#z', 'ws://127.0.0.1:1/ws'],
    ['ws://localhost:2', 'ws://localhost:2/ws'],
    ['http://[::1]:3', 'ws://[::1]:3/ws'],
    ['https://gateway.example', 'wss://gateway.example/ws'],
    ['wss://gateway.example:4/ws', 'wss://gateway.example:4/ws'],
  ] as const)
    assert.equal(socketUrl(address), url)
  for (const address of ['', 'gateway', '/ws', 'ftp://127.0.0.1/', 'file:///etc/passwd'])
    assert.throws(() => socketUrl(address), unreachable('this is not the address of a gateway'), address)
  for (const address of ['http://gateway.example', 'ws://gateway.example', 'http://10.0.0.1'])
    assert.throws(
      () => socketUrl(address),
      { code: 'net/refused', message: /would see the token in plain text/, hint: /^use a tunnel to a local port/ },
      address,
    )
})

test('the token goes with the upgrade, and the handshake says who we are', { timeout: 5000 }, async (t) => {
  const { connect, upgrades, frames } = await setUp(t)
  const client = await connect({ version: 'v'.repeat(70) })
  assert.equal(client.url, `ws://${upgrades[0]?.headers.host}/ws`)
  assert.equal(upgrades[0]?.url, '/ws')
  assert.equal(upgrades[0]?.headers.authorization, 'Bearer token-of-the-gateway')
  assert.equal(upgrades[0]?.headers['sec-websocket-extensions'], undefined, 'nothing that is compressed')
  assert.deepEqual(frames, [
    {
      type: 'req',
      id: '1',
      method: 'connect',
      params: {
        minProtocol: 3,
        maxProtocol: 3,
        client: { id: 'cli', version: 'v'.repeat(64), platform: process.platform, mode: 'cli' },
        events: ['agent', 'approval', 'logs', 'tick'],
      },
    },
  ])
})

test('a challenge without a nonce is one that only a device could not answer', { timeout: 5000 }, async (t) => {
  const { connect } = await setUp(t, {
    greet: (socket) => socket.send(event('connect.challenge', {})),
    answer: ({ id }, socket) => socket.send(answered(id, 'here')),
  })
  assert.equal(await (await connect()).call('x'), 'here')
})

test('a device signs the nonce of the challenge, and no other event is one', { timeout: 5000 }, async (t) => {
  const key = makeSigningKey()
  const { connect, frames } = await setUp(t, {
    greet: (socket) => {
      socket.send(event('tick', { nonce: 'n-0' }))
      challenge(socket)
    },
  })
  await connect({ device: { ...key, scopes: ['operator.read'] } })
  const params = Object(frames[0]?.params)
  const { signature, signedAt, ...device } = params.device
  assert.deepEqual(device, { id: keyId(key.publicKey), publicKey: key.publicKey, nonce: 'n-1' })
  assert.deepEqual([params.scopes, params.auth], [['operator.read'], { token: 'token-of-the-gateway' }])
  assert.ok(Math.abs(Date.now() - signedAt) < 60_000)
  const text = {
    deviceId: device.id,
    clientId: 'cli',
    mode: 'cli',
    role: 'operator',
    scopes: params.scopes,
    signedAt,
    token: params.auth.token,
    nonce: 'n-1',
  } as const
  assert.ok(isSignature(key.publicKey, connectText(text), signature))
})

for (const [status, expected] of [
  [401, { code: 'auth/unauthorized', hint: /^set CARAPACE_GATEWAY_TOKEN/ }],
  [403, { code: 'request/origin-refused', hint: undefined }],
  [421, { code: 'request/host-unknown', hint: undefined }],
  [429, { code: 'auth/locked-out', hint: undefined }],
  [503, { code: 'gateway/stopping', hint: undefined }],
  [404, { code: 'gateway/unreachable', message: /127\.0\.0\.1:\d+ answers, but not as a gateway/ }],
  [302, { code: 'gateway/unreachable', message: /answers, but not as a gateway/ }],
] as const)
  test(`a gateway that answers ${status} is left at once, and the token follows no redirect`, { timeout: 5000 }, async (t) => {
    const { connect, upgrades, raw } = await setUp(t, { status })
    await assert.rejects(connect(), expected)
    assert.equal(upgrades.length, 1)
    await Promise.all(raw.map(left))
  })

test('where nothing listens, and where the connection breaks, it says so', { timeout: 5000 }, async (t) => {
  const server = createTcpServer((socket) => socket.destroy())
  const url = `http://127.0.0.1:${await listening(server)}`
  const { connect } = await setUp(t)
  await assert.rejects(connect({ url }), { ...unreachable('the connection failed'), hint: /^start one with `cara start`/ })
  server.close()
  await once(server, 'close')
  await assert.rejects(connect({ url }), unreachable(/127\.0\.0\.1:\d+, nothing listens there/))
})

test('an abort before or during the handshake gives its reason, and leaves no connection', { timeout: 5000 }, async (t) => {
  const reason = new Error('enough')
  const arrived = Promise.withResolvers<null>()
  const { connect, upgrades, at } = await setUp(t, { greet: () => arrived.resolve(null) })
  await assert.rejects(connect({ signal: AbortSignal.abort(reason) }), reason)
  assert.equal(upgrades.length, 0)
  const controller = new AbortController()
  const connecting = connect({ signal: controller.signal })
  await arrived.promise
  const closed = once(at(), 'close')
  controller.abort(reason)
  await assert.rejects(connecting, reason)
  await closed
})

test('after the handshake its signal ends nothing', { timeout: 5000 }, async (t) => {
  const { connect } = await setUp(t, { answer: ({ id }, socket) => socket.send(answered(id, 'here')) })
  const controller = new AbortController()
  const client = await connect({ signal: controller.signal })
  controller.abort()
  assert.equal(await client.call('x'), 'here')
})

test('a server that upgrades and then says nothing, leaves, or answers otherwise is no gateway', { timeout: 5000 }, async (t) => {
  const bounds = heldBounds(t)
  const arrived = Promise.withResolvers<null>()
  const silent = await setUp(t, { greet: () => arrived.resolve(null) })
  const connecting = silent.connect({ signal: new AbortController().signal })
  await arrived.promise
  assert.deepEqual(
    bounds.slice(-1).map(({ ms }) => ms),
    [10_000],
  )
  const closed = once(silent.at(), 'close')
  bounds.at(-1)?.end()
  await assert.rejects(connecting, unreachable('it does not answer as a gateway'))
  await closed
  const leaving = await setUp(t, { greet: (socket) => socket.close(1008) })
  await assert.rejects(leaving.connect(), unreachable(/the connection was closed \(1008\)/))
  const other = await setUp(t, { hello: { ...HELLO, type: 'hello' } })
  await assert.rejects(other.connect(), unreachable('it answers in a way that we do not understand'))
  await Promise.all(other.raw.map(left))
})

test('the bound of the handshake ends with it; a call has 30 seconds of its own', { timeout: 5000 }, async (t) => {
  const bounds = heldBounds(t)
  const { connect, frames } = await setUp(t, { answer: ({ id, method }, socket) => method === 'quick' && socket.send(answered(id, 'here')) })
  const client = await connect({ signal: new AbortController().signal })
  const handshake = bounds.find(({ ms }) => ms === 10_000)
  handshake?.end()
  assert.equal(await client.call('quick'), 'here')
  const waiting = client.call('slow')
  assert.equal(bounds.at(-1)?.ms, 30_000)
  bounds.at(-1)?.end()
  await assert.rejects(waiting, unreachable('it did not answer in time'))
  assert.equal(await client.call('quick'), 'here')
  assert.deepEqual(
    frames.map(({ id }) => id),
    ['1', '2', '3', '4'],
  )
})

test('a call is answered by its own response, with a value or an error of the catalogue', { timeout: 5000 }, async (t) => {
  const { connect, frames } = await setUp(t, {
    answer: ({ id, method }, socket) => {
      socket.send(answered('999', 'of another'))
      socket.send(JSON.stringify({ type: 'res', id: '999', ok: false }))
      const error = { code: 'turn/not-found', message: 'There is no such turn', retryable: false }
      socket.send(method === 'bad' ? JSON.stringify({ type: 'res', id, ok: false, payload: 'no', error }) : answered(id, `for ${id}`))
    },
  })
  const client = await connect()
  const { signal } = new AbortController()
  assert.deepEqual(await Promise.all([client.call('a', undefined, signal), client.call('b', { x: 1 })]), ['for 2', 'for 3'])
  await assert.rejects(client.call('bad', undefined, signal), { code: 'turn/not-found' })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  assert.deepEqual(frames.slice(1, 3), [
    { type: 'req', id: '2', method: 'a' },
    { type: 'req', id: '3', method: 'b', params: { x: 1 } },
  ])
})

test('64 calls may wait, and every one that is over makes room: answered, refused or aborted', { timeout: 5000 }, async (t) => {
  const { connect } = await setUp(t, {
    answer: ({ id, method }, socket) => {
      if (method === 'bad') socket.send(JSON.stringify({ type: 'res', id, ok: false }))
      if (method === 'quick') socket.send(answered(id, 'here'))
    },
  })
  const client = await connect()
  for (let count = 0; count < 70; count++) {
    assert.equal(await client.call('quick'), 'here')
    await assert.rejects(client.call('bad'), { code: 'internal', message: /gave no reason/ })
    const controller = new AbortController()
    const call = client.call('slow', undefined, controller.signal)
    controller.abort(new Error('enough'))
    await assert.rejects(call, /enough/)
  }
  const { signal } = new AbortController()
  const waiting = Array.from({ length: 64 }, () => client.call('slow', undefined, signal))
  await assert.rejects(client.call('quick'), { code: 'request/rate-limited' })
  const ended = Promise.all(waiting.map((call) => assert.rejects(call, unreachable('the connection is closed'))))
  await client.close()
  await ended
})

test('a reason is handed on as it is, whatever it is called', { timeout: 5000 }, async (t) => {
  const { connect, frames } = await setUp(t)
  const client = await connect()
  for (const reason of [new DOMException('left', 'AbortError'), Object.assign(new Error('own'), { name: 'TimeoutError' }), { name: 'TimeoutError' }])
    await assert.rejects(client.call('x', {}, AbortSignal.abort(reason)), (error) => error === reason)
  assert.equal(frames.length, 1, 'and nothing is sent')
})

test('a request of 512 kB is sent, and a larger one is not', { timeout: 5000 }, async (t) => {
  const { connect, frames } = await setUp(t, { answer: ({ id }, socket) => socket.send(answered(id, 'here')) })
  const client = await connect()
  const room = 512 * 1024 - JSON.stringify({ type: 'req', id: '2', method: 'x', params: '' }).length
  await assert.rejects(client.call('x', 'x'.repeat(room + 1)), { code: 'request/too-large', message: /at most 512 kB/ })
  assert.equal(frames.length, 1)
  assert.equal(await client.call('x', 'x'.repeat(room)), 'here')
})

test('an answer of 16 MiB is read, and a larger one ends the connection', { timeout: 5000 }, async (t) => {
  const { connect } = await setUp(t, {
    answer: ({ id, method }, socket) => {
      const length = 16 * 1024 * 1024 - answered(id, '').length
      socket.send(answered(id, 'x'.repeat(method === 'more' ? length + 1 : length)))
    },
  })
  const client = await connect()
  assert.equal(String(await client.call('all')).length, 16 * 1024 * 1024 - answered('2', '').length)
  await assert.rejects(client.call('more'), unreachable('the connection failed'))
})

for (const [what, send] of [
  ['no JSON', (socket: WebSocket) => socket.send('{')],
  ['no frame', (socket: WebSocket) => socket.send('{"type":"res","id":1,"ok":true}')],
  ['a binary frame', (socket: WebSocket) => socket.send(Buffer.from(event('tick', {})))],
] as const)
  test(`${what} ends the connection, and its reason stays`, { timeout: 5000 }, async (t) => {
    const { connect, at } = await setUp(t, { answer: (_, socket) => send(socket) })
    const client = await connect()
    const closed = once(at(), 'close')
    const why = unreachable('it sent what we do not understand')
    await assert.rejects(client.call('x'), why)
    await closed
    await client.closed
    await assert.rejects(client.call('x'), why)
  })

test('what a gateway says when it leaves reaches every call that waits, and those after it', { timeout: 5000 }, async (t) => {
  for (const [code, why] of [
    [1012, 'the gateway stopped'],
    [1008, 'the connection was closed \\(1008\\)'],
  ] as const) {
    const { connect } = await setUp(t, { answer: (_, socket) => socket.close(code) })
    const client = await connect()
    const [one, two] = [client.call('x'), client.call('y')]
    await Promise.all([assert.rejects(one, unreachable(why)), assert.rejects(two, unreachable(why))])
    await client.closed
    await assert.rejects(client.call('x'), unreachable(why))
  }
})

test('events reach every listener until it stops', { timeout: 5000 }, async (t) => {
  const { connect } = await setUp(t, {
    answer: ({ id }, socket) => {
      socket.send(event('agent', { id }))
      socket.send(answered(id))
    },
  })
  const client = await connect()
  const seen: unknown[] = []
  const stop = client.onEvent((name, payload) => seen.push(['one', name, payload]))
  client.onEvent((name, payload) => seen.push(['two', name, payload]))
  await client.call('x')
  stop()
  await client.call('y')
  assert.deepEqual(seen, [
    ['one', 'agent', { id: '2' }],
    ['two', 'agent', { id: '2' }],
    ['two', 'agent', { id: '3' }],
  ])
})

test('closing says goodbye, ends what waits, and waits a second at most for the other side', { timeout: 5000 }, async (t) => {
  const { connect, at, raw } = await setUp(t)
  const client = await connect()
  const closed = once(at(), 'close')
  const waiting = assert.rejects(client.call('x'), unreachable('the connection is closed'))
  const closing = client.close()
  await assert.rejects(client.call('y'), unreachable('the connection is closed'))
  await closing
  await waiting
  assert.equal((await closed)[0], 1000)
  const timers = heldTimers(t)
  const deaf = await connect()
  raw.at(-1)?.pause()
  let isClosed = false
  const slow = deaf.close().then(() => (isClosed = true))
  const bound = timers.find(({ ms }) => ms === 1000)
  assert.equal(isClosed, false)
  assert.equal(bound?.isCleared, false)
  bound?.end()
  await slow
  assert.equal(bound?.isCleared, true)
})

test('a gateway that is silent for 90 seconds is gone; a frame or a ping breaks the silence', { timeout: 5000 }, async (t) => {
  const timers = heldTimers(t)
  const { connect, at, raw } = await setUp(t, { answer: ({ id, method }, socket) => method === 'quick' && socket.send(answered(id, 'here')) })
  const client = await connect()
  const silence = timers.find(({ ms }) => ms === 90_000) ?? assert.fail('no bound for a silence')
  const afterHandshake = silence.refreshed
  assert.ok(afterHandshake > 0)
  await client.call('quick')
  assert.equal(silence.refreshed, afterHandshake + 1)
  const pinged = once(at(), 'pong')
  at().ping()
  await pinged
  assert.equal(silence.refreshed, afterHandshake + 2)
  const ended = assert.rejects(client.call('slow'), unreachable('it fell silent'))
  assert.equal(silence.isCleared, false)
  silence.end()
  await ended
  await client.closed
  assert.equal(silence.isCleared, true)
  await Promise.all(raw.map(left))
})
