/** I1: a server that is slow, endless or hostile costs a bounded time and a bounded memory, and its connection is closed. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { AppError, type ErrorCode } from '../../src/contracts/errors.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { PUBLIC, startPublicWeb, textOf, type Site } from '../doubles/public-web.ts'

const failure = (code: ErrorCode) => (error: unknown) => error instanceof AppError && error.code === code && !/secret|hunter22/.test(error.message)

/** One site, and what becomes of its answer. */
async function siteThat(serve: Site) {
  const arrived = Promise.withResolvers<ServerResponse>()
  const web = await startPublicWeb({
    answers: () => [PUBLIC],
    site(visit, response) {
      arrived.resolve(response)
      serve(visit, response)
    },
  })
  const closed = arrived.promise.then((response) => (response.closed ? null : once(response, 'close')))
  return { web, closed, get: web.get.bind(null, web.url('www.site.example', '/secret?key=hunter22')) }
}

test('I1 a server that never answers is left after the time for headers', async () => {
  const { web, closed, get } = await siteThat(() => undefined)
  await using _ = web
  await assert.rejects(get({ headersTimeoutMs: 50 }), failure('net/timeout'))
  await closed
})

test('I1 the whole time is bounded, over a slow body too', async () => {
  const { web, closed, get } = await siteThat((_, response) => {
    const drip = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(drip))
  })
  await using _ = web
  const startedAt = performance.now()
  const response = await get({ totalTimeoutMs: 1000 })
  await assert.rejects(textOf(response), failure('net/timeout'))
  await closed
  assert.ok(performance.now() - startedAt < 20_000)
})

test('I1 the whole time is bounded, over a chain of redirects too', async () => {
  const { web, get } = await siteThat((_, response) => {
    const later = setTimeout(() => response.writeHead(302, { location: '/secret' }).end(), 120)
    response.on('close', () => clearTimeout(later))
  })
  await using _ = web
  await assert.rejects(get({ totalTimeoutMs: 250, maxRedirects: 5 }), failure('net/timeout'))
  assert.ok(web.visits.length < 4, `${web.visits.length} visits`)
})

test('I1 the whole time is bounded, over a body that nobody reads too', async () => {
  const { web, closed, get } = await siteThat((_, response) => void response.write('first'))
  await using _ = web
  assert.equal((await get({ totalTimeoutMs: 1000 })).status, 200)
  await closed
})

test('I1 a resolver that never answers is left after the whole time', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  const fetch = createGuardedFetch(web.transport, () => undefined, {
    resolve: (_, signal) => aborted(signal),
  })
  const request = { method: 'GET', url: web.url('www.site.example'), headers: {}, policy: { hosts: 'public' }, totalTimeoutMs: 50 } as const
  const alive = setTimeout(() => undefined, 5000)
  await assert.rejects(fetch(request, new AbortController().signal), failure('net/timeout'))
  clearTimeout(alive)
})

test('I1 a public host has a minute when nobody says otherwise', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked = Promise.withResolvers<AbortSignal>()
  const fetch = createGuardedFetch(
    () => assert.fail('nothing leaves'),
    () => undefined,
    { resolve: (_, signal) => (asked.resolve(signal), aborted(signal)) },
  )
  const sent = fetch({ method: 'GET', url: new URL('https://www.site.example/'), headers: {}, policy: { hosts: 'public' } }, new AbortController().signal)
  const failed = assert.rejects(sent, failure('net/timeout'))
  const limited = await asked.promise
  t.mock.timers.tick(59_999)
  assert.equal(limited.aborted, false)
  t.mock.timers.tick(1)
  await failed
})

test('an exchange that is over leaves nothing behind at its signal', async () => {
  const { web, get } = await siteThat((_, response) => void response.end('ok'))
  await using _ = web
  const { signal } = new AbortController()
  await textOf(await get({}, signal))
  await (await get({}, signal)).body[Symbol.asyncIterator]().return?.()
  await assert.rejects(web.get('https://localhost/', {}, signal), failure('net/refused'))
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('I1 an endless body ends at its bound', async () => {
  const { web, closed, get } = await siteThat((_, response) => {
    const source = Readable.from(endless())
    response.on('close', () => source.destroy())
    source.pipe(response)
  })
  await using _ = web
  await assert.rejects(textOf(await get({ maxBodyBytes: 1_000_000 })), failure('net/too-large'))
  await closed
})

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')))
  })
}

function* endless(): Generator<Buffer, void, undefined> {
  for (;;) yield Buffer.alloc(64 * 1024)
}

test('I1 a compressed bomb is not unpacked: compression was not asked for', async () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip']) {
    const { web, get } = await siteThat((_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(bomb))
    await using _ = web
    await assert.rejects(get(), failure('net/unreachable'), encoding)
    assert.equal(web.visits[0]?.request.headers['accept-encoding'], 'identity')
  }
})

test('I1 a head without an end is refused', async () => {
  const { web, closed, get } = await siteThat(({ request }) => {
    request.socket.write('HTTP/1.1 200 OK\r\n')
    for (let index = 0; index < 40; index++) request.socket.write(`x-filler-${index}: ${'x'.repeat(1000)}\r\n`)
  })
  await using _ = web
  await assert.rejects(get({ headersTimeoutMs: 5000 }), failure('net/unreachable'))
  await closed
})

test('an abort ends the exchange at once, with its own reason', async () => {
  const { web, closed, get } = await siteThat((_, response) => void response.write('first'))
  await using _ = web
  const caller = new AbortController()
  const reason = new Error('enough')
  const reading = textOf(await get({}, caller.signal))
  caller.abort(reason)
  await assert.rejects(reading, reason)
  await closed
  await assert.rejects(get({}, AbortSignal.abort(reason)), reason)
  assert.equal(web.visits.length, 1)
})

test('leaving a body early closes its connection, and closing the transport ends what still runs', async () => {
  const left = await siteThat((_, response) => void response.write('first'))
  await using _left = left.web
  for await (const chunk of (await left.get()).body) {
    assert.equal(Buffer.from(chunk).toString(), 'first')
    break
  }
  await left.closed

  const ended = await siteThat((_, response) => void response.write('first'))
  await using _ended = ended.web
  const reading = textOf(await ended.get())
  await Promise.all([assert.rejects(reading, failure('net/unreachable')), ended.web.transport.close()])
  await ended.closed
})

test('every exchange with a public host has a connection of its own, which ends with it', async () => {
  const { web, get } = await siteThat((_, response) => void response.end('ok'))
  await using _ = web
  const startedAt = performance.now()
  for (let round = 0; round < 3; round++) assert.equal(await textOf(await get()), 'ok')
  assert.equal(web.connections.length, 3)
  const sockets = web.visits.map(({ request }) => request.socket)
  await Promise.all(sockets.map(async (socket) => socket.destroyed || once(socket, 'close')))
  // Kept alive, they would stay for four seconds.
  assert.ok(performance.now() - startedAt < 3000)
})
