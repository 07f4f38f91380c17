import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getDefaultAutoSelectFamily, setDefaultAutoSelectFamily } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { test, type TestContext } from 'node:test'
import Client from 'undici/lib/dispatcher/client.js'
import type { EgressRequest, EgressResponse } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { Answer } from '../../src/net/answer.ts'
import { openPinned } from '../../src/net/pinned-client.ts'
import { createTransport } from '../../src/net/transport.ts'
import { selfSigned } from '../doubles/certificate.ts'
import { cleared } from '../doubles/cleared.ts'
import { listening } from '../doubles/listening.ts'
import { type Listener, startLoopback } from '../doubles/loopback.ts'

async function setUp(t: TestContext, listener: Listener) {
  const loopback = await startLoopback(listener)
  const transport = createTransport()
  t.after(() => Promise.all([transport.close(), loopback.close()]))
  const send = (more: Partial<EgressRequest> = {}, signal = AbortSignal.timeout(10_000)): Promise<EgressResponse> =>
    transport(cleared({ method: 'GET', url: new URL('/path?key=hunter22', loopback.url), headers: {}, policy: { origins: [] }, ...more }), signal)
  return { ...loopback, transport, send }
}

async function textOf(response: EgressResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The error, after checking that it names the origin at most. */
async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => assert.fail('it should have failed'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AppError, String(error))
  assert.doesNotMatch(`${error.message} ${String(error.cause)} ${error.stack}`, /hunter22|\/path/)
  return error
}

test('sends method, path, query, headers and body, and reads status, headers and body', async (t) => {
  const requests: { readonly request: IncomingMessage; readonly body: string }[] = []
  const { send } = await setUp(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    requests.push({ request, body })
    response.writeHead(201, { 'X-Thing': 'yes', 'content-type': 'text/plain' }).end('grüß dich')
  })
  const response = await send({ method: 'POST', headers: { 'x-own': '1', 'accept-encoding': 'br' }, body: '{"a":"ä"}' })
  assert.equal(response.status, 201)
  assert.equal(response.headers['x-thing'], 'yes')
  assert.equal(await textOf(response), 'grüß dich')
  const [{ request, body } = assert.fail('nothing arrived')] = requests
  assert.equal(request.method, 'POST')
  assert.equal(request.url, '/path?key=hunter22')
  assert.equal(request.headers['x-own'], '1')
  assert.equal(request.headers['accept-encoding'], 'identity')
  assert.equal(body, '{"a":"ä"}')
})

test('a connection is used again after an answer was read to its end', async (t) => {
  const sockets = new Set<unknown>()
  const { send } = await setUp(t, (request, response) => {
    sockets.add(request.socket)
    response.end('ok')
  })
  for (let round = 0; round < 8; round++) await textOf(await send())
  // A call that follows within the same turn of the event loop may find the first one not yet free.
  assert.ok(sockets.size <= 2, `${sockets.size} connections`)
})

test('a redirect is an answer, not a way', async (t) => {
  let count = 0
  const { send } = await setUp(t, (_, response) => {
    count++
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  const response = await send()
  assert.equal(response.status, 302)
  assert.equal(await textOf(response), '')
  assert.equal(count, 1)
})

for (const when of ['before the head', 'in the body', 'while nobody reads']) {
  test(`an abort ${when} closes the connection at once`, async (t) => {
    const arrived = Promise.withResolvers<ServerResponse>()
    const { send } = await setUp(t, (_, response) => {
      if (when !== 'before the head') response.write('first')
      arrived.resolve(response)
    })
    const caller = new AbortController()
    const reason = new Error('enough')
    const sent = send({}, caller.signal)
    const reading = sent.then(async (response) => (when === 'in the body' ? textOf(response) : response))
    const upstream = await arrived.promise
    if (when === 'while nobody reads') await sent
    const closed = once(upstream, 'close')
    const startedAt = performance.now()
    caller.abort(reason)
    if (when === 'while nobody reads') await assert.rejects(textOf(await sent), reason)
    else await assert.rejects(reading, reason)
    await closed
    assert.ok(performance.now() - startedAt < 10_000)
  })
}

test('a signal that is aborted already sends nothing', async (t) => {
  const { send } = await setUp(t, () => assert.fail('a request arrived'))
  await assert.rejects(send({}, AbortSignal.abort(new Error('no'))), /no/)
})

test('leaving the body early closes the connection', async (t) => {
  const arrived = Promise.withResolvers<ServerResponse>()
  const { send } = await setUp(t, (_, response) => {
    response.write('first')
    arrived.resolve(response)
  })
  const response = await send()
  const closed = once(await arrived.promise, 'close')
  for await (const chunk of response.body) {
    assert.equal(Buffer.from(chunk).toString(), 'first')
    break
  }
  await closed
})

test('a slow reader holds the sender back', async (t) => {
  const piece = Buffer.alloc(64 * 1024)
  const total = 32 * 1024 * 1024
  let written = 0
  const { send } = await setUp(t, async (_, response) => {
    for (; written < total; written += piece.length) if (!response.write(piece)) await once(response, 'drain')
    response.end()
  })
  const response = await send()
  // Two turns over a second connection give the sender all the time it needs to run ahead.
  const other = await setUp(t, (_, answer) => void answer.end('ok'))
  for (let round = 0; round < 50; round++) await textOf(await other.send())
  assert.ok(written < total, 'everything was sent although nobody read')
  assert.equal((await textOf(response)).length, total)
})

test('a body beyond its bound fails and closes the connection', async (t) => {
  const arrived = Promise.withResolvers<ServerResponse>()
  const { send } = await setUp(t, (_, response) => {
    arrived.resolve(response)
    response.write('x'.repeat(2000))
  })
  const response = await send({ maxBodyBytes: 1000 })
  const closed = arrived.promise.then((upstream) => once(upstream, 'close'))
  assert.equal((await failure(textOf(response))).code, 'net/too-large')
  await closed
})

test('an answer that does not begin times out', { timeout: 5000 }, async (t) => {
  const { send } = await setUp(t, () => undefined)
  assert.equal((await failure(send({ headersTimeoutMs: 50 }))).code, 'net/timeout')
})

test('an answer that stops times out', { timeout: 5000 }, async (t) => {
  const { send } = await setUp(t, (_, response) => void response.write('first'))
  assert.equal((await failure(textOf(await send({ idleTimeoutMs: 50 })))).code, 'net/timeout')
})

test('a connection that breaks fails, before the head and in the body', async (t) => {
  const { send } = await setUp(t, (request, response) => {
    if (request.method === 'GET') return void request.socket.destroy()
    response.writeHead(200, { 'content-length': '100' })
    response.write('first', () => request.socket.destroy())
  })
  assert.equal((await failure(send())).code, 'net/unreachable')
  assert.equal((await failure(textOf(await send({ method: 'POST', body: '' })))).code, 'net/unreachable')
})

test('what came before the connection broke is read before the failure', async (t) => {
  const broken = Promise.withResolvers<null>()
  const { send } = await setUp(t, (request, response) => {
    request.socket.once('close', () => broken.resolve(null))
    response.writeHead(200, { 'content-length': '100' })
    response.write('all of it', () => request.socket.destroy())
  })
  const response = await send()
  await broken.promise
  // Another exchange gives the failure the time to arrive.
  const other = await setUp(t, (_, answer) => void answer.end('ok'))
  await textOf(await other.send())
  const chunks = response.body[Symbol.asyncIterator]()
  const first = await chunks.next()
  assert.equal(Buffer.from(first.value ?? []).toString(), 'all of it')
  assert.equal((await failure(chunks.next())).code, 'net/unreachable')
})

test('a port where nothing listens is unreachable, and says so', async (t) => {
  const { send, close, url } = await setUp(t, () => undefined)
  await close()
  const error = await failure(send())
  assert.equal(error.code, 'net/unreachable')
  assert.match(error.message, new RegExp(`${url.origin}: nothing listens there`))
})

test('compression that was not asked for is refused', async (t) => {
  const { send } = await setUp(t, (_, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end('junk'))
  assert.equal((await failure(send())).code, 'net/unreachable')
})

test('a header that HTTP cannot carry is refused and not repeated', async (t) => {
  const { send } = await setUp(t, () => assert.fail('a request arrived'))
  assert.equal((await failure(send({ headers: { authorization: 'Bearer hunter22\r\nx-evil: 1' } }))).code, 'net/refused')
})

test('closing ends what still runs', async (t) => {
  const arrived = Promise.withResolvers<null>()
  const { send, transport } = await setUp(t, (_, response) => {
    response.write('first')
    arrived.resolve(null)
  })
  const response = await send()
  await arrived.promise
  const failed = failure(textOf(response))
  await transport.close()
  assert.equal((await failed).code, 'net/unreachable')
})

for (const [which, more] of [
  ['a configured origin', {}],
  ['a public host', { policy: { hosts: 'public' }, pinned: ['127.0.0.1'] }],
] as const)
  test(`an abort before the first connection to ${which} sends nothing, and gives its reason`, { timeout: 5000 }, async (t) => {
    const { server, send } = await setUp(t, () => assert.fail('a request arrived'))
    server.on('connection', () => assert.fail('a connection arrived'))
    const reason = new Error('enough')
    const controller = new AbortController()
    const sending = send(more, controller.signal)
    controller.abort(reason)
    await assert.rejects(sending, reason)
    // Whatever else is wrong with the request.
    await assert.rejects(send({ policy: { hosts: 'public' } }, controller.signal), reason)
  })

test('a public host without checked addresses is refused before anything is connected', { timeout: 5000 }, async (t) => {
  const { send } = await setUp(t, () => assert.fail('a request arrived'))
  for (const pinned of [{}, { pinned: [] }])
    assert.match((await failure(send({ policy: { hosts: 'public' }, ...pinned }))).message, /the addresses of http:\/\/127\.0\.0\.1:\d+ were not checked/)
})

test('of two versions of HTTP only the one is offered that a cancellation can end', { timeout: 5000 }, async (t) => {
  const offered: (readonly string[])[] = []
  const server = createTlsServer({
    ...selfSigned(['127.0.0.1']),
    ALPNCallback({ protocols }) {
      offered.push(protocols)
      return 'http/1.1'
    },
  })
  server.on('connection', (socket) => void socket.on('error', () => undefined))
  const url = new URL(`https://127.0.0.1:${await listening(server)}/`)
  t.after(() => void server.close())
  const { send } = await setUp(t, () => undefined)
  for (const more of [{}, { policy: { hosts: 'public' }, pinned: ['127.0.0.1'] }] as const)
    assert.match((await failure(send({ url, ...more }))).message, /its certificate is self-signed/)
  assert.deepEqual(offered, [['http/1.1'], ['http/1.1']])
})

test('an exchange with a public host leaves nothing behind to close', { timeout: 5000 }, async (t) => {
  const { send, transport } = await setUp(t, (_, response) => void response.end('ok'))
  const { mock } = t.mock.method(Client.prototype, 'destroy')
  for (let round = 0; round < 3; round++) await textOf(await send({ policy: { hosts: 'public' }, pinned: ['127.0.0.1'] }))
  const { length } = mock.calls
  assert.ok(length >= 3)
  await transport.close()
  assert.equal(mock.calls.length, length)
})

test('a checked address is one address in whatever spelling, and no other', { timeout: 5000 }, async (t) => {
  const { send } = await setUp(t, () => assert.fail('a request arrived'))
  const told = async (url: string, ...pinned: readonly string[]) => (await failure(send({ url: new URL(url), policy: { hosts: 'public' }, pinned }))).code
  // Nothing listens there, but it may be reached.
  for (const spelling of ['::1', '0:0:0:0:0:0:0:1', '0000::0001']) assert.equal(await told('http://[::1]:1/', spelling), 'net/unreachable', spelling)
  assert.equal(await told('http://127.0.0.1:1/', '127.0.0.1'), 'net/unreachable')
  // An address that belongs to one network card is compared as it is written.
  assert.equal(await told('http://127.0.0.1:1/', 'fe80::1%lo', '127.0.0.1'), 'net/unreachable')
  for (const other of ['::2', '::', '127.0.0.1', 'fe80::1%lo']) assert.equal(await told('http://[::1]:1/', other), 'net/refused', other)
  assert.equal(await told('http://127.0.0.1:1/', '127.0.0.2'), 'net/refused')
})

test('a name is never looked up, whether one of its addresses is wanted or all', { timeout: 5000 }, async (t) => {
  const { send, url } = await setUp(t, (_, response) => void response.end('ok'))
  const named = new URL(`http://name.invalid:${url.port}/`)
  const wasAutomatic = getDefaultAutoSelectFamily()
  t.after(() => setDefaultAutoSelectFamily(wasAutomatic))
  for (const isAutomatic of [true, false]) {
    setDefaultAutoSelectFamily(isAutomatic)
    assert.equal(await textOf(await send({ url: named, policy: { hosts: 'public' }, pinned: ['127.0.0.1', '127.0.0.2'] })), 'ok')
  }
  const client = await openPinned(named.origin, [], { connectTimeoutMs: 1000 })
  const { promise, ...head } = Promise.withResolvers<EgressResponse>()
  client.dispatch({ path: '/', method: 'GET' }, new Answer(named.origin, 1000, AbortSignal.timeout(5000), head))
  assert.match((await failure(promise)).message, /is not where it was a moment ago/)
  await client.destroy()
})
