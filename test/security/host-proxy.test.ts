/** The proxy in this process, over real sockets; `exec-hosts.test.ts` tries it from inside a sandbox. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { EgressRequest, EgressResponse } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { listening } from '../doubles/listening.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { openHostProxy } from '../../src/net/host-proxy.ts'

const MIB = 1024 * 1024
const GRANTED = ['a.example:443', 'b.example:8443']

interface Behaviour {
  readonly fetch?: (request: EgressRequest, signal: AbortSignal) => Promise<EgressResponse>
  readonly tunnel?: (url: URL, signal: AbortSignal) => Promise<Socket>
}

const answerOf = (body: string | Uint8Array, headers: Record<string, string> = {}, status = 200): EgressResponse => ({
  status,
  headers,
  body: (async function* () {
    yield Buffer.from(body)
  })(),
})

async function setUp(t: TestContext, { fetch, tunnel }: Behaviour = {}) {
  const sent: EgressRequest[] = []
  const arrived: Socket[] = []
  const atUpstream: Socket[] = []
  const upstreams: Socket[] = []
  const taken: Socket[] = []
  const upstream = createServer((socket) => {
    socket.on('error', () => undefined)
    atUpstream.push(socket)
    socket.once('data', (chunk) => void socket.write(`echo ${String(chunk)}`))
  })
  const upstreamPort = await listening(upstream)
  const { log, lines } = recordedLog()
  const proxy = await openHostProxy({
    hosts: GRANTED,
    fetch: async (request, signal) => {
      sent.push(request)
      return fetch === undefined ? answerOf('fine') : fetch(request, signal)
    },
    tunnel: async (url, signal) => {
      if (tunnel !== undefined) return tunnel(url, signal)
      const socket = connect(upstreamPort, '127.0.0.1')
      upstreams.push(socket)
      await once(socket, 'connect')
      return socket
    },
    redact: (text) => text.replaceAll('hunter22', '[secret]'),
    logged: (host) => host.toUpperCase(),
    log,
  })
  // As where it is used: nothing is read before the proxy takes the connection.
  const door = createServer({ pauseOnConnect: true }, (socket) => {
    taken.push(socket)
    proxy.take(socket)
  })
  const port = await listening(door)
  t.after(() => {
    proxy.close()
    for (const socket of [...arrived, ...atUpstream, ...upstreams]) socket.destroy()
    door.close()
    upstream.close()
  })
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    arrived.push(socket)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  /** Everything that comes back until the connection ends. */
  const ask = async (head: string, body: string | Uint8Array = ''): Promise<Buffer> => {
    const socket = await open()
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => void chunks.push(Buffer.from(chunk)))
    const closed = once(socket, 'close')
    socket.write(head.replaceAll('\n', '\r\n'))
    socket.write(body)
    await closed
    return Buffer.concat(chunks)
  }
  const get = (target: string, more = '', method = 'GET') => ask(`${method} ${target} HTTP/1.1\nhost: a\n${more}connection: close\n\n`).then(String)
  return { proxy, sent, lines, open, ask, get, taken, atUpstream, upstreams }
}

test('CONNECT reaches a granted host at its granted port, and each answer of the grant is logged', { timeout: 5000 }, async (t) => {
  const reached: string[] = []
  const { ask, lines } = await setUp(t, {
    tunnel: async ({ href }) => {
      reached.push(href)
      throw new Error('far enough')
    },
  })
  const connectTo = async (target: string) => String(await ask(`CONNECT ${target} HTTP/1.1\nhost: a\n\n`)).split('\r\n', 1)[0]
  for (const [target, status] of [
    ['a.example:443', '502 Bad Gateway'],
    ['a.example', '502 Bad Gateway'],
    ['b.example:8443', '502 Bad Gateway'],
    ['b.example:443', '403 Forbidden'],
    ['b.example', '403 Forbidden'],
    ['a.example:8443', '403 Forbidden'],
    ['a.example:99999', '403 Forbidden'],
    ['user@a.example:443', '403 Forbidden'],
    [':word@a.example:443', '403 Forbidden'],
  ] as const)
    assert.equal(await connectTo(target), `HTTP/1.1 ${status}`, target)
  assert.deepEqual(reached, ['https://a.example/', 'https://a.example/', 'https://b.example:8443/'])
  assert.deepEqual(
    lines,
    [
      ['a.example:443', 'pass'],
      ['a.example:443', 'pass'],
      ['b.example:8443', 'pass'],
      ['b.example:443', 'refused'],
      ['b.example:443', 'refused'],
      ['a.example:8443', 'refused'],
    ].map(([host, verdict]) => JSON.stringify(['exec.connection', { host: host?.toUpperCase(), verdict }])),
  )
})

test('a tunnel carries both ways from the first byte, and ends on both sides with either', { timeout: 5000 }, async (t) => {
  const { open, atUpstream, upstreams, taken } = await setUp(t)
  const talk = async (index: number): Promise<Socket> => {
    const socket = await open()
    const read: string[] = []
    const whole = Promise.withResolvers<null>()
    socket.on('data', (chunk) => {
      read.push(String(chunk))
      if (read.join('').endsWith('echo first')) whole.resolve(null)
    })
    // The first bytes of the program come with the head of its request.
    socket.write('CONNECT a.example:443 HTTP/1.1\r\nhost: a\r\n\r\nfirst')
    await whole.promise
    assert.equal(read.join(''), 'HTTP/1.1 200 Connection established\r\n\r\necho first')
    assert.equal(upstreams.length, index + 1)
    return socket
  }
  const first = await talk(0)
  const upstreamClosed = once(upstreams[0] ?? assert.fail(), 'close')
  first.resetAndDestroy()
  await upstreamClosed
  const second = await talk(1)
  const closed = once(second, 'close')
  // Nor does a fault of one connection reach anything else.
  upstreams[1]?.destroy(new Error('reset by the other side'))
  await closed
  const third = await talk(2)
  const thirdUpstream = once(upstreams[2] ?? assert.fail(), 'close')
  const ended = once(third, 'close')
  taken[2]?.destroy(new Error('reset by the program'))
  await Promise.all([ended, thirdUpstream])
  const fourth = await talk(3)
  const fourthUpstream = once(atUpstream[3] ?? assert.fail(), 'end')
  fourth.end()
  await fourthUpstream
})

test('a plain request goes out as https, with its own headers and body only', { timeout: 5000 }, async (t) => {
  const { sent, get, ask } = await setUp(t)
  await get(
    'http://a.example/x?y=1',
    'x-own: 1\nte: trailers\nkeep-alive: 5\nupgrade: x\naccept-encoding: br\ntrailer: x\nproxy-authorization: Basic eA==\nx-proxy-: 2\n',
  )
  const policy = { hosts: 'public' }
  const { url, ...rest } = sent[0] ?? assert.fail('nothing was sent')
  assert.equal(url.href, 'https://a.example/x?y=1')
  assert.deepEqual(rest, { method: 'GET', headers: { 'x-own': '1', 'x-proxy-': '2' }, maxBodyBytes: 8 * MIB, policy })
  await ask(
    'POST http://b.example:8443/ HTTP/1.1\nhost: a\ncontent-type: text/plain\nconnection: close\ncontent-length: 9\nset-cookie: a=1\nset-cookie: b=2\n\n',
    'some body',
  )
  const { url: other, body, ...more } = sent[1] ?? assert.fail('nothing was sent')
  assert.equal(other.href, 'https://b.example:8443/')
  assert.equal(String(body), 'some body')
  assert.deepEqual(more, { method: 'POST', headers: { 'content-type': 'text/plain', 'set-cookie': 'a=1, b=2' }, maxBodyBytes: 8 * MIB, policy })
  for (const method of ['PUT', 'DELETE']) await get('http://a.example/', '', method)
  assert.deepEqual(
    sent.slice(2).map(({ method }) => method),
    ['PUT', 'DELETE'],
  )
})

test('what a proxy does not send on is answered with its status and a reason, and nothing leaves', { timeout: 5000 }, async (t) => {
  const { get, sent } = await setUp(t)
  const refused = async (target: string, method = 'GET') => {
    const answer = await get(target, '', method)
    assert.match(answer, /\r\ncontent-type: text\/plain\r\n/i)
    return [
      answer.split('\r\n', 1)[0],
      answer
        .split('\r\n\r\n')[1]
        ?.replaceAll(/\r\n|^[0-9a-f]+$/gm, '')
        .trim(),
    ] as const
  }
  for (const target of ['/x', 'https://', 'ftp://a.example/', 'http://a.example:99999/', 'http://user@a.example/', 'http://:word@a.example/']) {
    const [status, reason] = await refused(target)
    assert.equal(status, 'HTTP/1.1 400 Bad Request', target)
    assert.match(reason ?? '', /a proxy takes GET, POST, PUT and DELETE/)
  }
  for (const method of ['PATCH', 'OPTIONS']) assert.equal((await refused('http://a.example/', method))[0], 'HTTP/1.1 400 Bad Request', method)
  for (const target of ['http://c.example/', 'http://a.example:8443/', 'http://b.example/']) {
    const [status, reason] = await refused(target)
    assert.equal(status, 'HTTP/1.1 403 Forbidden', target)
    assert.match(reason ?? '', /this host was not agreed to/)
  }
  assert.deepEqual(sent, [])
})

test('the answer comes back without a known secret, in its head and its body, and otherwise byte for byte', { timeout: 5000 }, async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  const { get, ask } = await setUp(t, {
    fetch: async ({ url }) =>
      url.pathname === '/bytes'
        ? answerOf(bytes, { 'content-length': '256' }, 203)
        : answerOf('it is hunter22', { 'x-echo': 'hunter22', 'content-length': '3', 'keep-alive': 'timeout=99', 'transfer-encoding': 'x' }, 201),
  })
  const answer = await get('http://a.example/')
  assert.match(answer, /^HTTP\/1\.1 201 Created\r\n/)
  assert.match(answer, /\r\nx-echo: \[secret\]\r\n/)
  assert.match(answer, /it is \[secret\]/)
  assert.doesNotMatch(answer, /hunter22|timeout=99|content-length: 3|transfer-encoding: x/)
  const raw = await ask('GET http://a.example/bytes HTTP/1.0\n\n')
  assert.match(raw.toString('latin1'), /^HTTP\/1\.1 203 /)
  assert.deepEqual(Uint8Array.from(raw.subarray(raw.indexOf('\r\n\r\n') + 4)), bytes)
})

test('a fault on the way out is told by its code, or not at all', { timeout: 5000 }, async (t) => {
  const { get } = await setUp(t, {
    fetch: async ({ url }) => {
      throw url.pathname === '/known' ? new AppError('net/timeout', 'https://a.example') : new Error('internals')
    },
  })
  assert.match(await get('http://a.example/known'), /^HTTP\/1\.1 504 [^]*The server did not answer in time: https:\/\/a\.example\n/)
  const unknown = await get('http://a.example/')
  assert.match(unknown, /^HTTP\/1\.1 500 /)
  assert.doesNotMatch(unknown, /internals/)
})

test('a body of 8 MiB is sent on, and a byte more ends the connection before anything leaves', { timeout: 5000 }, async (t) => {
  const { ask, sent } = await setUp(t)
  const post = (length: number) =>
    ask(`POST http://a.example/ HTTP/1.1\nhost: a\nconnection: close\ncontent-length: ${length}\n\n`, Buffer.alloc(length, 'x')).catch(() => Buffer.alloc(0))
  assert.match(String(await post(8 * MIB)), /^HTTP\/1\.1 200 /)
  assert.equal(sent[0]?.body?.length, 8 * MIB)
  assert.doesNotMatch(String(await post(8 * MIB + 1)), /^HTTP\/1\.1 200 /)
  assert.equal(sent.length, 1)
})

test('a head of more than 16 KiB is refused', { timeout: 5000 }, async (t) => {
  const { get, sent } = await setUp(t)
  assert.match(await get('http://a.example/', `x-long: ${'x'.repeat(12_000)}\n`), /^HTTP\/1\.1 200 /)
  assert.match(await get('http://a.example/', `x-long: ${'x'.repeat(17_000)}\n`), /^HTTP\/1\.1 431 /)
  assert.equal(sent.length, 1)
})

test('of more than 64 connections at once the newest is closed, and one that ended makes room', { timeout: 5000 }, async (t) => {
  const { open, get, taken } = await setUp(t)
  const held: Socket[] = []
  // A connection is taken before the next one is: they arrive in order.
  for (let count = 0; count < 64; count++) held.push(await open())
  assert.equal(await get('http://a.example/').catch(() => ''), '', 'the sixty-fifth')
  assert.equal(taken.length, 65)
  assert.ok(held.every(({ closed }) => !closed))
  const left = once(taken[0] ?? assert.fail(), 'close')
  held[0]?.destroy()
  await left
  assert.match(await get('http://a.example/'), /^HTTP\/1\.1 200 /)
})

test('closing ends every connection, and tells what runs that the turn was cancelled', { timeout: 5000 }, async (t) => {
  const reasons: unknown[] = []
  const waiting = [Promise.withResolvers<null>(), Promise.withResolvers<null>()] as const
  const never = (index: 0 | 1) => (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(Object(signal.reason).code)
        reject(signal.reason)
      })
      waiting[index].resolve(null)
    })
  const { open, proxy } = await setUp(t, { fetch: never(0), tunnel: never(1) })
  const plain = await open()
  plain.write('GET http://a.example/ HTTP/1.1\r\nhost: a\r\n\r\n')
  const tunnelled = await open()
  tunnelled.write('CONNECT a.example:443 HTTP/1.1\r\nhost: a\r\n\r\n')
  await Promise.all(waiting.map(({ promise }) => promise))
  const closed = Promise.all([plain, tunnelled].map((socket) => once(socket.resume(), 'close')))
  proxy.close()
  await closed
  assert.deepEqual(reasons, ['turn/cancelled', 'turn/cancelled'])
})
