/** H1, H2: each hop of a redirect is a request of its own, and nothing that was meant for one origin reaches another. */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { EgressRequest } from '../../src/contracts/egress.ts'
import { AppError, type ErrorCode } from '../../src/contracts/errors.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { createTransport } from '../../src/net/transport.ts'
import { startLoopback } from '../doubles/loopback.ts'
import { ELSEWHERE, INTERNAL, PUBLIC, startPublicWeb, textOf } from '../doubles/public-web.ts'

const refusal = (code: ErrorCode) => (error: unknown) => error instanceof AppError && error.code === code && !/secret|hunter22/.test(error.message)

/** A small internet where `start.site.example` redirects to `location`. */
async function redirecting(location: (port: number) => string, status = 302) {
  const web = await startPublicWeb({
    answers: (name) => (name.startsWith('internal') ? [INTERNAL] : name.startsWith('other') ? [ELSEWHERE] : [PUBLIC]),
    site: ({ at, request }, response) => {
      if (request.url === '/start') response.writeHead(status, { location: location(web.port) }).end('moved')
      else response.end(`at ${at} ${request.url}`)
    },
  })
  return web
}

for (const [name, location] of Object.entries<(port: number) => string>({
  'an internal address': (port) => `https://${INTERNAL}:${port}/secret`,
  'a name of an internal address': (port) => `https://internal.site.example:${port}/secret`,
  'an internal address in decimal': (port) => `https://2130706433:${port}/secret`,
  'a mapped address': (port) => `https://[::ffff:127.0.0.1]:${port}/secret`,
  localhost: (port) => `//localhost:${port}/secret`,
  'plain http': (port) => `http://other.site.example:${port}/secret`,
  'plain http to this machine': (port) => `http://${INTERNAL}:${port}/secret`,
  'a file': () => 'file:///etc/secret',
  data: () => 'data:text/plain,secret',
  'credentials in the address': (port) => `https://user:hunter22@other.site.example:${port}/`,
  'another protocol’s port': () => 'https://other.site.example:25/secret',
  'what is no address': () => 'https://[secret',
})) {
  test(`H1 a redirect to ${name} is refused`, async () => {
    await using web = await redirecting(location)
    await assert.rejects(web.get(web.url('start.site.example', '/start'), { maxRedirects: 5 }), refusal('net/refused'))
    assert.deepEqual(web.connections, [PUBLIC])
    assert.equal(web.visits.length, 1)
  })
}

test('a redirect to another public host is followed, checked and pinned again', async () => {
  await using web = await redirecting((port) => `https://other.site.example:${port}/end?a=1#part`)
  const response = await web.get(web.url('start.site.example', '/start'), { maxRedirects: 5 })
  assert.equal(await textOf(response), `at ${ELSEWHERE} /end?a=1`)
  assert.equal(response.url?.href, web.url('other.site.example', '/end?a=1').href)
  assert.deepEqual(web.connections, [PUBLIC, ELSEWHERE])
  assert.deepEqual(
    web.reports.filter(({ stage }) => stage === 'resolvesToPublic').map(({ verdict }) => verdict),
    ['rewrite', 'rewrite'],
  )
})

test('a relative redirect stays at its host, which is looked up again', async () => {
  await using web = await redirecting(() => 'end')
  assert.equal(await textOf(await web.get(web.url('start.site.example', '/start'), { maxRedirects: 1 })), `at ${PUBLIC} /end`)
  assert.equal(web.questions.filter((question) => question === 'A start.site.example').length, 2)
})

test('H1 a redirect back to the same name is refused when the name has become private', async () => {
  await using web = await startPublicWeb({
    answers: (_, count) => [count === 0 ? PUBLIC : INTERNAL],
    site: (_, response) => response.writeHead(302, { location: '/secret' }).end(),
  })
  await assert.rejects(web.get(web.url('rebind.site.example'), { maxRedirects: 5 }), refusal('net/refused'))
  assert.deepEqual(web.connections, [PUBLIC])
})

test('what comes with a redirect is not read, and its connection closes', async () => {
  const closed = Promise.withResolvers<null>()
  await using web = await startPublicWeb({
    answers: () => [PUBLIC],
    site({ request }, response) {
      if (request.url === '/end') return void response.end('here')
      response.on('close', () => closed.resolve(null))
      response.writeHead(302, { location: '/end' }).write('more is to come')
    },
  })
  assert.equal(await textOf(await web.get(web.url('start.site.example', '/start'), { maxRedirects: 1 })), 'here')
  await closed.promise
})

test('a redirect that nobody asked to follow is an answer', async () => {
  await using web = await redirecting(() => '/end')
  assert.equal((await web.get(web.url('start.site.example', '/start'))).status, 302)
  assert.equal(web.visits.length, 1)
})

test('I2 a loop ends after the hops that were asked for, and after five at most', async () => {
  for (const [maxRedirects, requests] of [
    [0, 1],
    [1, 2],
    [5, 6],
    [50, 6],
  ] as const) {
    await using web = await redirecting(() => '/start')
    const sent = web.get(web.url('start.site.example', '/start'), { maxRedirects })
    if (maxRedirects === 0) assert.equal((await sent).status, 302)
    else await assert.rejects(sent, refusal('net/refused'))
    assert.equal(web.visits.length, requests)
  }
})

test('H2 a public host is never sent what may be a credential', async () => {
  await using web = await redirecting(() => '/end')
  for (const name of ['authorization', 'Cookie', 'x-api-key', 'x-anything', 'proxy-authorization']) {
    await assert.rejects(web.get(web.url('start.site.example'), { headers: { [name]: 'hunter22' } }), refusal('net/refused'), name)
  }
  assert.deepEqual(web.connections, [])
  await textOf(await web.get(web.url('start.site.example', '/end'), { headers: { accept: 'text/html', 'User-Agent': 'x' } }))
})

/** Two origins that an owner named, of which the first redirects. */
async function twoOrigins(t: TestContext, status: number, location: (there: URL, here: URL) => string) {
  const requests: { readonly at: 'here' | 'there'; readonly request: IncomingMessage; readonly body: string }[] = []
  const transport = createTransport()
  const there = await startLoopback(async (request, response) => {
    requests.push({ at: 'there', request, body: await bodyOf(request) })
    if (request.url === '/back') response.writeHead(307, { location: new URL('/end', here.url).href }).end()
    else response.end('there')
  })
  const here = await startLoopback(async (request, response) => {
    requests.push({ at: 'here', request, body: await bodyOf(request) })
    if (request.url === '/start') response.writeHead(status, { location: location(there.url, here.url) }).end('moved')
    else response.end('here')
  })
  t.after(() => Promise.all([transport.close(), here.close(), there.close()]))
  const fetch = createGuardedFetch(transport, () => undefined)
  const headers = { authorization: 'Bearer hunter22', 'X-Api-Key': 'hunter22', cookie: 'a=hunter22', 'x-goog-api-key': 'hunter22', accept: 'text/plain' }
  const origins = [here.url.origin, there.url.origin]
  const send = (more: Partial<EgressRequest> = {}) =>
    fetch({ method: 'GET', url: new URL('/start', here.url), headers, maxRedirects: 5, policy: { origins }, ...more }, AbortSignal.timeout(10_000))
  return { requests, send, here: here.url, there: there.url }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`H2 credentials do not follow a ${status} to another origin, and do stay within one`, async (t) => {
    const away = await twoOrigins(t, status, (there) => new URL('/end', there).href)
    assert.equal(await textOf(await away.send()), 'there')
    const last = away.requests.at(-1)
    assert.equal(last?.at, 'there')
    assert.doesNotMatch(JSON.stringify(last?.request.rawHeaders), /hunter22/)
    assert.equal(last?.request.headers.accept, 'text/plain')

    const within = await twoOrigins(t, status, () => '/end')
    assert.equal(await textOf(await within.send()), 'here')
    assert.equal(within.requests.at(-1)?.request.headers.authorization, 'Bearer hunter22')
  })
}

test('H2 credentials that were dropped on the way do not come back', async (t) => {
  const { send, requests } = await twoOrigins(t, 302, (there) => new URL('/back', there).href)
  assert.equal(await textOf(await send()), 'here')
  assert.deepEqual(
    requests.map(({ at, request }) => [at, request.headers.authorization]),
    [
      ['here', 'Bearer hunter22'],
      ['there', undefined],
      ['here', undefined],
    ],
  )
})

test('H2 an origin that the owner did not name is not reached by a redirect', async (t) => {
  const { send, requests, here } = await twoOrigins(t, 302, (there) => new URL('/end', there).href)
  await assert.rejects(send({ policy: { origins: [here.origin] } }), refusal('net/refused'))
  assert.equal(requests.length, 1)
})

test('H2 a body never follows to another origin', async (t) => {
  const post = { method: 'POST', body: 'hunter22' } as const
  const kept = await twoOrigins(t, 307, (there) => new URL('/end', there).href)
  await assert.rejects(kept.send(post), refusal('net/refused'))
  assert.equal(kept.requests.length, 1)

  const within = await twoOrigins(t, 308, () => '/end')
  assert.equal(await textOf(await within.send(post)), 'here')
  assert.deepEqual(
    within.requests.map(({ request, body }) => [request.method, body]),
    [
      ['POST', 'hunter22'],
      ['POST', 'hunter22'],
    ],
  )
})

for (const [status, method, expected] of [
  [301, 'POST', 'GET'],
  [302, 'POST', 'GET'],
  [303, 'POST', 'GET'],
  [303, 'PUT', 'GET'],
  [302, 'DELETE', 'DELETE'],
] as const) {
  test(`a ${status} after ${method} asks by ${expected}`, async (t) => {
    const { send, requests } = await twoOrigins(t, status, (there) => new URL('/end', there).href)
    const body = method === 'DELETE' ? {} : { body: 'hunter22' }
    await textOf(await send({ method, ...body, headers: { 'content-type': 'text/plain' } }))
    const last = requests.at(-1)
    assert.equal(last?.request.method, expected)
    assert.equal(last?.body, '')
    if (expected === 'GET') assert.equal(last?.request.headers['content-type'], undefined)
  })
}
