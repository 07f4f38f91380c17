import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { createServer, Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { cleared } from '../doubles/cleared.ts'
import { listening } from '../doubles/listening.ts'
import { openTunnel } from '../../src/net/tunnel.ts'

const DEAD = ['127.0.0.91', '127.0.0.92', '127.0.0.93', '127.0.0.94']
const LIVE = '127.0.0.1'

async function setUp(t: TestContext) {
  const arrived: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    arrived.push(socket.resume())
  })
  const port = await listening(server)
  const closed = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  t.after(() => {
    for (const socket of arrived) socket.destroy()
    server.close()
  })
  const open = (pinned: readonly string[] | undefined, signal = AbortSignal.timeout(5000), url = new URL(`https://name.invalid:${port}/`)) =>
    openTunnel(cleared({ method: 'GET', url, headers: {}, policy: { hosts: 'public' }, ...(pinned === undefined ? {} : { pinned }) } as const), signal)
  return { open, arrived, closed, port }
}

/** Gives up as soon as the tunnel waits for its connection. */
function abortedWhileConnecting(t: TestContext, reason: Error): AbortSignal {
  const controller = new AbortController()
  const { signal } = controller
  const listen = signal.addEventListener.bind(signal)
  t.mock.method(signal, 'addEventListener', (...all: Parameters<typeof listen>) => {
    listen(...all)
    queueMicrotask(() => controller.abort(reason))
  })
  return signal
}

test('a tunnel goes to a checked address without a look at its name, and has no limit of silence afterwards', { timeout: 5000 }, async (t) => {
  const { open } = await setUp(t)
  const { signal } = new AbortController()
  const socket = await open([LIVE], signal)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  assert.ok(socket instanceof Socket)
  assert.equal(socket.remoteAddress, LIVE)
  assert.equal(socket.timeout, 0)
  socket.destroy()
})

test('without a checked address nothing is connected', { timeout: 5000 }, async (t) => {
  const { open, arrived } = await setUp(t)
  for (const pinned of [undefined, []]) await assert.rejects(open(pinned), { code: 'net/refused', message: /were not checked/ })
  assert.deepEqual(arrived, [])
})

test('the next address is tried where one fails, four of them at most', { timeout: 5000 }, async (t) => {
  const { open, arrived } = await setUp(t)
  const socket = await open([...DEAD.slice(0, 3), LIVE])
  socket.destroy()
  assert.equal(arrived.length <= 1, true)
  await assert.rejects(open([...DEAD, LIVE]), { code: 'net/unreachable', message: /name\.invalid:\d+: nothing listens there/ })
})

test('an address without a port means 443', { timeout: 5000 }, async (t) => {
  const { open, port } = await setUp(t)
  const { mock } = t.mock.method(Socket.prototype, 'connect')
  await open([DEAD[0] ?? ''], undefined, new URL('https://name.invalid/')).catch(() => undefined)
  ;(await open([LIVE])).destroy()
  assert.deepEqual(
    mock.calls.map((call) => Object(call.arguments.flat(2)[0]).port),
    [443, port],
  )
})

test('a signal that is aborted already connects nothing', { timeout: 5000 }, async (t) => {
  const { open, arrived, closed } = await setUp(t)
  const reason = new Error('enough')
  await assert.rejects(open([LIVE], AbortSignal.abort(reason)), reason)
  await closed()
  assert.deepEqual(arrived, [])
})

test('an abort while connecting gives the reason, tries no other address, and leaves no connection behind', { timeout: 5000 }, async (t) => {
  const { open, closed } = await setUp(t)
  const { mock } = t.mock.method(Socket.prototype, 'connect')
  const reason = new Error('enough')
  await assert.rejects(open([LIVE, LIVE], abortedWhileConnecting(t, reason)), reason)
  await assert.rejects(open([LIVE], abortedWhileConnecting(t, reason)), { code: 'net/unreachable' })
  assert.deepEqual(
    mock.calls.map((call) => Object(call.this).destroyed),
    [true, true],
  )
  await closed()
})

test('an address that does not answer within ten seconds times out', { timeout: 5000 }, async (t) => {
  const { open, closed } = await setUp(t)
  const bounds: number[] = []
  t.mock.method(Socket.prototype, 'setTimeout', function (this: Socket, ms: number) {
    bounds.push(ms)
    queueMicrotask(() => this.emit('timeout'))
    return this
  })
  await assert.rejects(open([LIVE]), { code: 'net/timeout' })
  assert.deepEqual(bounds, [10_000])
  await closed()
})
