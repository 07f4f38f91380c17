/** What strangers, browsers and proxies get from every listening route, over real sockets. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Access } from '../../src/guard/identity/access.ts'
import { routes } from '../../src/server/routes/registry.ts'
import { openDoors, READER_TOKEN, TOKEN, type Answer, type OpenDoors } from '../doubles/open-doors.ts'

const PUBLIC = ['/health', '/health/live', '/health/ready']
/** What a stranger must be able to ask for: without a body they tell him that there is none. */
const ENTRANCES = new Map([
  ['/auth/login', 400],
  ['/pair/challenge', 200],
  ['/pair/request', 400],
  ['/pair/claim', 400],
])
const TARGETS = [...routes.map(({ path, method }) => ({ path, method })), { path: '/ws', method: 'GET' }, { path: '/nowhere', method: 'GET' }]
const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }

/** Every route, plain and as an upgrade. */
async function askEverything(
  doors: OpenDoors,
  headers: Record<string, string>,
  token: string | null = TOKEN,
): Promise<readonly (Answer & { readonly path: string })[]> {
  const answers = []
  for (const { path, method } of TARGETS) {
    answers.push({ path, ...(await doors.ask(path, { method, headers, token })) })
    answers.push({ path, ...(await doors.ask(path, { headers: { ...UPGRADE, ...headers }, token })) })
  }
  return answers
}

test('A5 without a token only health answers, on every route and on the upgrade', async () => {
  await using doors = await openDoors()
  for (const { path, status, headers } of await askEverything(doors, {}, null)) {
    const isPublic = PUBLIC.includes(path)
    const entrance = ENTRANCES.get(path)
    assert.ok(status === (isPublic ? 200 : (entrance ?? 401)) || ((isPublic || entrance !== undefined) && status === 401), `${path} ${status}`)
    if (status === 401) assert.equal(headers['www-authenticate'] ?? 'Bearer', 'Bearer')
  }
  const answers = await Promise.all(PUBLIC.map((path) => doors.ask(path, { token: null })))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.equal(doors.gateway.messages.length, 0)
})

test('A1 a token in the address opens nothing', async () => {
  await using doors = await openDoors()
  for (const query of [`?token=${TOKEN}`, `?access_token=${TOKEN}`, `?authorization=Bearer%20${TOKEN}`]) {
    assert.equal((await doors.ask(`/v1/models${query}`, { token: null })).status, 401)
    assert.equal((await doors.ask(`/ws${query}`, { token: null, headers: UPGRADE })).status, 401)
  }
})

test('A2 A4 a foreign Origin is refused everywhere, before 101', async () => {
  await using doors = await openDoors({ allowedOrigins: ['https://ui.example'] })
  const origins = [
    'http://evil.example',
    'null',
    `http://127.0.0.1:${doors.port + 1}`,
    `http://127.0.0.1.evil:${doors.port}`,
    `http://localhost:${doors.port}`,
    'https://ui.example.evil',
    'file://',
  ]
  for (const origin of origins) {
    for (const { path, status } of await askEverything(doors, { origin })) assert.equal(status, 403, `${origin} ${path}`)
  }
  for (const { path, status } of await askEverything(doors, { 'sec-fetch-site': 'cross-site' })) assert.equal(status, 403, path)
  assert.equal((await doors.ask('/v1/models', { headers: { origin: doors.url } })).status, 200)
  const allowed = await doors.ask('/v1/models', { headers: { origin: 'https://ui.example', 'sec-fetch-site': 'cross-site' } })
  assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [200, 'https://ui.example'])
})

test('A4 a simple form post is refused even with the token', async () => {
  await using doors = await openDoors()
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    assert.equal((await doors.ask('/v1/chat/completions', { method: 'POST', body, headers: { 'content-type': type } })).status, 400)
  }
  assert.equal(doors.gateway.messages.length, 0)
})

test('A4 preflights are answered for configured origins alone', async () => {
  await using doors = await openDoors({ allowedOrigins: ['https://ui.example'] })
  const preflight = (origin: string) => doors.ask('/v1/models', { method: 'OPTIONS', token: null, headers: { origin, 'access-control-request-method': 'GET' } })
  assert.equal((await preflight('http://evil.example')).status, 403)
  const answer = await preflight('https://ui.example')
  assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [204, 'https://ui.example'])
  assert.equal((await doors.ask('/v1/models', { method: 'OPTIONS', token: null })).status, 401)
})

test('A6 a foreign Host gets 421 everywhere, before 101', async () => {
  await using doors = await openDoors()
  for (const host of ['evil.example', `evil.example:${doors.port}`, '127.0.0.1', `127.0.0.1:${doors.port + 1}`, `localhost.:${doors.port}`]) {
    for (const { path, status } of await askEverything(doors, { host })) assert.equal(status, 421, `${host} ${path}`)
  }
  for (const host of [`LOCALHOST:${doors.port}`, `[::1]:${doors.port}`]) assert.equal((await doors.ask('/health', { headers: { host } })).status, 200)
})

test('A6 repeated, missing and absolute-form hosts are refused', async () => {
  await using doors = await openDoors()
  const own = `Host: 127.0.0.1:${doors.port}`
  const heads = [
    `GET /health HTTP/1.1\r\n${own}\r\nHost: evil.example`,
    `GET /health HTTP/1.1\r\nHost: evil.example\r\n${own}`,
    'GET /health HTTP/1.0',
    `GET http://evil.example/health HTTP/1.1\r\n${own}`,
    `GET /health HTTP/1.1\r\n${own}\r\nOrigin: ${doors.url}\r\nOrigin: http://evil.example`,
    `GET /v1/models HTTP/1.1\r\n${own}\r\nAuthorization: Bearer ${TOKEN}\r\nAuthorization: Bearer ${TOKEN}`,
  ]
  for (const head of heads) assert.match(await raw(doors.port, `${head}\r\n\r\n`), /^HTTP\/1\.1 4(?:00|01|03|21) /, head)
})

test('B1 B2 any proxy header is refused everywhere, and changes nothing', async () => {
  await using doors = await openDoors()
  for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP', 'Via', 'CF-Connecting-IP']) {
    for (const { path, status } of await askEverything(doors, { [name]: '127.0.0.1' })) assert.equal(status, 403, `${name} ${path}`)
  }
})

test('B1 a proxy header cannot hide behind a thousand others', async () => {
  await using doors = await openDoors()
  const filler = 'a:\r\n'.repeat(3000)
  const answer = await raw(doors.port, `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${doors.port}\r\n${filler}Via: x\r\n\r\n`)
  assert.match(answer, /^HTTP\/1\.1 (?:403|431) /)
})

test('B6 no spelling of a path reaches a route without its scope', async () => {
  await using doors = await openDoors()
  const spellings = [
    '/v1//models',
    '//v1/models',
    '/v1/./models',
    '/health/../v1/models',
    '/health/%2e%2e/v1/models',
    '/health%2f..%2fv1/models',
    '/health%252f..%252fv1/models',
    '/v1/models;x=/health',
    '/V1/models',
    '/v1/models.',
    '/v1/models/',
    '/health\\..\\v1\\models',
    '/v1/%6dodels',
    '/health#/v1/models',
  ]
  for (const path of spellings) {
    const { status } = await doors.ask(path, { token: null })
    assert.ok(status === 401 || path.startsWith('/health#'), `${path} ${status}`)
  }
  const unit = fc.constantFrom('/', '.', '..', '%2f', '%252f', '%2e', ';', '\\', 'health', 'v1', 'models', 'live', '%00', '?', 'H')
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { minLength: 1, maxLength: 6 }), async (pieces) => {
      const target = `/${pieces.join('')}`
      const { status, body } = await doors.ask(target, { token: null })
      if (status === 200) assert.ok(body.includes('"status":"ok"'), target)
      else assert.ok([401, 429].includes(status), `${target} ${status}`)
    }),
    { numRuns: 100 },
  )
})

test('C1 C7 a reader reads and nothing more; unknown things and methods are told apart', async () => {
  await using doors = await openDoors()
  assert.equal((await doors.ask('/v1/models', { token: READER_TOKEN })).status, 200)
  for (const path of ['/v1/chat/completions', '/v1/responses']) {
    assert.equal((await doors.ask(path, { method: 'POST', token: READER_TOKEN, body: '{}', headers: { 'x-carapace-scopes': 'operator.admin' } })).status, 403)
  }
  assert.equal((await doors.ask('/nowhere')).status, 404)
  const wrong = await doors.ask('/v1/models', { method: 'DELETE' })
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET'])
})

test('every answer carries the security headers', async () => {
  await using doors = await openDoors()
  for (const answer of [
    await doors.ask('/health'),
    await doors.ask('/nowhere'),
    await doors.ask('/v1/models', { token: null }),
    await doors.ask('/ws', { token: null, headers: UPGRADE }),
  ]) {
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/)
    assert.equal(answer.headers['x-frame-options'], 'DENY')
    assert.equal(answer.headers['referrer-policy'], 'no-referrer')
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
})

test('another upgrade than ours is an ordinary request', async () => {
  await using doors = await openDoors()
  assert.equal(
    (await doors.ask('/health', { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' } })).status,
    200,
  )
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { connection: 'Upgrade', upgrade: 'h2c' } })).status, 401)
})

test('a guard that breaks refuses, and the server lives on', async () => {
  let isBroken = true
  await using doors = await openDoors(
    {},
    {
      access: brokenAccess(),
      report: () => {
        if (isBroken) throw new Error('broken, too')
      },
    },
  )
  for (const { path, status, body } of await askEverything(doors, {})) {
    assert.equal(status, 500, path)
    assert.ok(!body.includes('broken'))
  }
  isBroken = false
  assert.equal((await doors.ask('/health', { token: null })).status, 200)
})

test('health says why the gateway is not ready', async () => {
  await using doors = await openDoors()
  doors.gateway.notReady.push('no model is configured')
  const ready = await doors.ask('/health/ready', { token: null })
  assert.deepEqual([ready.status, ready.headers['retry-after'], JSON.parse(ready.body).reasons], [503, '5', ['no model is configured']])
  const live = JSON.parse((await doors.ask('/health/live', { token: null })).body)
  assert.deepEqual([live.status, live.version, typeof live.uptimeSeconds], ['ok', '1.2.3', 'number'])
})

/** What comes back for these very bytes. */
function raw(port: number, bytes: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString()
    if (text.includes('\r\n\r\n')) socket.destroy()
  })
  socket.on('error', reject)
  socket.on('close', () => resolve(text))
  return promise
}

function brokenAccess(): Access {
  const access = new Access([], { failedAuthLimit: 1, now: () => 0 })
  access.authenticate = () => {
    throw new Error('broken')
  }
  return access
}
