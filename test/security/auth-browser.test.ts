/** Passwords and the sessions of browsers: guesses, cookies, other pages, ends. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Sessions } from '../../src/guard/identity/sessions.ts'
import { removePassword, weakness, writePassword } from '../../src/secrets/gateway-password.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { openDoors, TOKEN, type Answer, type Ask, type OpenDoors } from '../doubles/open-doors.ts'
import { CONNECT, openSocket, refusedUpgrade } from '../doubles/socket-client.ts'
import { within } from '../doubles/within.ts'

const PASSWORD = 'correct horse battery'

async function withPassword(config: Parameters<typeof openDoors>[0] = {}, more: Parameters<typeof openDoors>[1] = {}): Promise<OpenDoors> {
  const doors = await openDoors(config, more)
  writeFileSync(join(doors.folder, 'gateway-token.sealed'), createVault(doors.folder).seal('gateway-token', TOKEN), { mode: 0o600 })
  await writePassword(doors.folder, PASSWORD)
  doors.credentials.reload()
  return doors
}

const login = (doors: OpenDoors, password: string, more: Ask = {}): Promise<Answer> =>
  doors.ask('/auth/login', { method: 'POST', token: null, body: JSON.stringify({ password }), ...more })

interface Browser {
  readonly cookie: string
  readonly csrf: string
  readonly setCookie: string
}

async function logIn(doors: OpenDoors): Promise<Browser> {
  const { status, headers, body } = await login(doors, PASSWORD, { headers: { origin: doors.url } })
  assert.equal(status, 200, body)
  const setCookie = headers['set-cookie']?.[0] ?? ''
  return { cookie: setCookie.split(';')[0] ?? '', csrf: JSON.parse(body).csrfToken, setCookie }
}

test('the password opens a session; its cookie is HttpOnly, strict, and opens what the owner may do', async () => {
  await using doors = await withPassword()
  const { cookie, csrf, setCookie } = await logIn(doors)
  assert.match(setCookie, /^cara_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=604\d{3}$/)
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { cookie } })).status, 200)
  const who = await doors.ask('/auth/session', { token: null, headers: { cookie, origin: doors.url } })
  assert.partialDeepStrictEqual(JSON.parse(who.body), { id: 'owner', scopes: ['operator.admin'], csrfToken: csrf })
  assert.equal(JSON.parse((await doors.ask('/auth/session')).body).csrfToken, undefined)
  const file = join(doors.folder, 'keys', 'gateway-password')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(readFileSync(file, 'utf8'), /^\$argon2id\$v=19\$m=65536,t=3,p=1\$[^$]{22}\$[^$]{43}\n$/)
})

test('A3 ten wrong passwords one after the other, and the right one is not looked at either', async () => {
  await using doors = await withPassword()
  const statuses = []
  for (let index = 0; index < 20; index++)
    statuses.push((await login(doors, `wrong password ${index}`, index % 2 === 0 ? {} : { headers: { origin: doors.url } })).status)
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), ...Array.from({ length: 10 }, () => 429)])
  assert.equal((await login(doors, PASSWORD)).status, 429)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('A3 200 passwords at once: at most two are checked at a time, at most ten in all, whatever else is sent along', async () => {
  let most = 0
  let checked = 0
  let running = 0
  await using doors = await withPassword()
  const openSession = doors.credentials.openSession.bind(doors.credentials)
  Object.assign(doors.credentials, {
    openSession: async (password: string, origin: string) => {
      most = Math.max(most, ++running)
      const answer = await openSession(password, origin)
      // Only what was not refused at once was checked.
      checked++
      return answer
    },
  })
  const bogus: readonly Ask[] = [
    {},
    { headers: { origin: doors.url } },
    { headers: { cookie: `cara_session=${'x'.repeat(43)}` } },
    { headers: { 'x-device-token': 'x', 'x-remote-user': 'owner' } },
    { token: 'wrong' },
    { token: TOKEN },
  ]
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => login(doors, `guess ${index}`, bogus[index % bogus.length])))
  const statuses = answers.map(({ status }) => status)
  assert.ok(
    statuses.every((status) => status === 401 || status === 429),
    statuses.join(),
  )
  assert.ok(statuses.filter((status) => status === 401).length <= 10, statuses.join())
  assert.ok(checked <= 10 && most <= 10, `${checked} ${most}`)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('A3 every kind of credential counts against the same limit, on HTTP and on the WebSocket', async () => {
  await using doors = await withPassword({ failedAuthLimit: 5 })
  const wrongCookie = { cookie: `cara_session=${'x'.repeat(43)}` }
  const statuses = [
    (await login(doors, 'wrong password')).status,
    (await doors.ask('/v1/models', { token: 'wrong' })).status,
    (await doors.ask('/v1/models', { token: null, headers: wrongCookie })).status,
    (await doors.ask('/v1/models', { token: `cara_device_${'x'.repeat(43)}` })).status,
    await refusedUpgrade(doors, { ...wrongCookie, origin: doors.url }),
    await refusedUpgrade(doors, { authorization: 'Bearer wrong' }),
    (await login(doors, PASSWORD)).status,
    (await doors.ask('/v1/models', { token: null, headers: wrongCookie })).status,
  ]
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
})

test('the right password takes its own trial back, and no more', async () => {
  await using doors = await withPassword({ failedAuthLimit: 3 })
  for (let index = 0; index < 5; index++) await logIn(doors)
  const statuses = []
  for (let index = 0; index < 4; index++) statuses.push((await login(doors, `wrong password ${index}`)).status)
  assert.deepEqual(statuses, [401, 401, 401, 429])
})

test('without a password every login fails like a wrong one', async () => {
  await using doors = await openDoors()
  const { status, body } = await login(doors, PASSWORD)
  await using other = await withPassword()
  const wrong = await login(other, 'some other words')
  assert.deepEqual([status, body], [wrong.status, wrong.body])
})

test('A4 a cookie changes nothing without its CSRF token and its own page', async () => {
  await using doors = await withPassword({ allowedOrigins: ['https://other.example'] })
  const { cookie, csrf } = await logIn(doors)
  const other = await logIn(doors)
  const post = (headers: Readonly<Record<string, string>>) =>
    doors.ask('/v1/chat/completions', { method: 'POST', token: null, body: '{}', headers: { cookie, ...headers } })
  const own = { origin: doors.url }
  for (const [name, headers] of Object.entries<Readonly<Record<string, string>>>({
    nothing: {},
    'no token': own,
    'no origin': { 'x-csrf-token': csrf },
    'wrong token': { ...own, 'x-csrf-token': `${csrf.slice(0, -2)}xx` },
    'empty token': { ...own, 'x-csrf-token': '' },
    'token of another session': { ...own, 'x-csrf-token': other.csrf },
    'another page, allowed for tokens': { origin: 'https://other.example', 'x-csrf-token': csrf },
    'another name of this machine': { host: `localhost:${doors.port}`, origin: `http://localhost:${doors.port}`, 'x-csrf-token': csrf },
  })) {
    const { status, body } = await post(headers)
    assert.deepEqual([status, JSON.parse(body).error.code], [403, 'auth/csrf'], name)
  }
  // 400: it got as far as the body.
  assert.equal((await post({ ...own, 'x-csrf-token': csrf })).status, 400)
  assert.equal((await doors.ask('/v1/chat/completions', { method: 'POST', body: '{}' })).status, 400)
  // Reading from another page is refused too, and a token is not a cookie.
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { cookie, origin: 'https://other.example' } })).status, 403)
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { cookie, host: `localhost:${doors.port}` } })).status, 403)
})

test('A2 a WebSocket by cookie needs the page of its session', async () => {
  await using doors = await withPassword({ allowedOrigins: ['https://other.example'] })
  const { cookie } = await logIn(doors)
  assert.equal(await refusedUpgrade(doors, { cookie }), 403)
  assert.equal(await refusedUpgrade(doors, { cookie, origin: 'https://other.example' }), 403)
  assert.equal(await refusedUpgrade(doors, { cookie, origin: 'http://evil.example' }), 403)
  const client = await openSocket(doors, { headers: { cookie, origin: doors.url } })
  assert.ok((await client.call('connect', CONNECT)).ok)
  assert.ok((await client.call('health')).ok)
  await client.close()
})

test('cookies that are several, cut or made up open nothing, and a wrong bearer is not saved by a right cookie', async () => {
  await using doors = await withPassword({ failedAuthLimit: 1000 })
  const { cookie } = await logIn(doors)
  const status = async (cookies: string, token: string | null = null) => (await doors.ask('/v1/models', { token, headers: { cookie: cookies } })).status
  assert.equal(await status(`a=b; ${cookie}; c=d`), 200)
  for (const bad of [
    `${cookie}; ${cookie}`,
    `${cookie}; __Host-${cookie}`,
    cookie.slice(0, -1),
    `${cookie}x`,
    `x${cookie}`,
    'cara_session=',
    cookie.toUpperCase(),
  ])
    assert.equal(await status(bad), 401, bad)
  assert.equal(await status(cookie, 'wrong'), 401)
})

test('C4 logout, another password and a rotated token end sessions and their sockets within a second', async () => {
  await using doors = await withPassword()
  const socketOf = async ({ cookie }: Browser) => {
    const client = await openSocket(doors, { headers: { cookie, origin: doors.url } })
    assert.ok((await client.call('connect', CONNECT)).ok)
    return client
  }
  const opens = async ({ cookie }: Browser) => (await doors.ask('/v1/models', { token: null, headers: { cookie } })).status
  const [first, second] = [await logIn(doors), await logIn(doors)]
  const [one, two] = [await socketOf(first), await socketOf(second)]
  const out = await doors.ask('/auth/logout', { method: 'POST', token: null, headers: { cookie: first.cookie, origin: doors.url, 'x-csrf-token': first.csrf } })
  assert.deepEqual([out.status, JSON.parse(out.body)], [200, { ended: true }])
  assert.match(out.headers['set-cookie']?.[0] ?? '', /^cara_session=; .*Max-Age=0/)
  await within(1000, one.closed)
  assert.deepEqual([await opens(first), await opens(second)], [401, 200])

  await writePassword(doors.folder, 'quite another password')
  doors.credentials.reload()
  await within(1000, two.closed)
  assert.equal(await opens(second), 401)
  assert.equal((await login(doors, PASSWORD)).status, 401)
  await writePassword(doors.folder, PASSWORD)
  doors.credentials.reload()

  const third = await logIn(doors)
  const three = await socketOf(third)
  await doors.credentials.rotateToken({ id: 'owner', scopes: [], credential: 'x' })
  await within(1000, three.closed)
  assert.equal(await opens(third), 401)

  const fourth = await logIn(doors)
  await removePassword(doors.folder)
  doors.credentials.reload()
  assert.equal(await opens(fourth), 401)
  assert.equal((await login(doors, PASSWORD)).status, 401)
})

test('sessions are bounded: in number, idle and whole time', () => {
  const sessions = new Sessions()
  const open = (now: number) => sessions.open({ origin: 'o', credential: 'password:0000', now })
  const hour = 3_600_000
  const idle = open(0)
  assert.ok(sessions.find(idle.secret, 11 * hour) !== null)
  assert.ok(sessions.find(idle.secret, 22 * hour) !== null)
  assert.equal(sessions.find(idle.secret, 34 * hour), null)
  const busy = open(0)
  for (let at = 0; at < 168; at += 6) assert.ok(sessions.find(busy.secret, at * hour) !== null)
  assert.equal(sessions.find(busy.secret, 168 * hour), null)
  const many = Array.from({ length: 65 }, (_, index) => open(200 * hour + index))
  assert.equal(sessions.find(many[0]?.secret ?? '', 201 * hour), null)
  assert.ok(many.slice(1).every(({ secret }) => sessions.find(secret, 201 * hour) !== null))
})

test('under TLS of a trusted proxy the cookie is Secure and bound to its host', async () => {
  const { trustProxies } = await import('../../src/guard/trusted-proxies.ts')
  await using doors = await withPassword({ allowedHosts: ['cara.example'] }, { readForwarded: trustProxies(['127.0.0.1']) })
  const headers = { host: 'cara.example', 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
  const opened = await login(doors, PASSWORD, { headers: { ...headers, origin: 'https://cara.example' } })
  assert.match(opened.headers['set-cookie']?.[0] ?? '', /^__Host-cara_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+; Secure$/)
  const cookie = opened.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { ...headers, cookie } })).status, 200)
  // The same cookie in the clear.
  assert.equal((await doors.ask('/v1/models', { token: null, headers: { ...headers, cookie, 'x-forwarded-proto': 'http' } })).status, 403)
  assert.equal((await login(doors, PASSWORD, { headers: { ...headers, origin: 'http://cara.example' } })).status, 403)
})

test('A3 behind a proxy each client is locked out for itself', async () => {
  const { trustProxies } = await import('../../src/guard/trusted-proxies.ts')
  await using doors = await withPassword({ failedAuthLimit: 2 }, { readForwarded: trustProxies(['127.0.0.1']) })
  const from = async (client: string) => (await doors.ask('/v1/models', { token: 'wrong', headers: { 'x-forwarded-for': client } })).status
  assert.deepEqual([await from('203.0.113.1'), await from('203.0.113.1'), await from('203.0.113.1')], [401, 401, 429])
  // What the client writes itself stands left of what the proxy adds.
  assert.equal(await from('198.51.100.7, 203.0.113.1'), 429)
  assert.equal(await from('203.0.113.2'), 401)
})

test('passwords that are short, long or of a few letters are refused', () => {
  for (const bad of ['', 'short', 'elevenchars', 'aaaaaaaaaaaaaaaa', 'ababababababab', 'x'.repeat(2000)]) assert.notEqual(weakness(bad), null, bad)
  assert.equal(weakness(PASSWORD), null)
})
