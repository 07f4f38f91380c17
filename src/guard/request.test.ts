import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Access } from './identity/access.ts'
import { trustProxies } from './trusted-proxies.ts'
import type { Principal } from '../contracts/principal.ts'
import type { Scope } from '../contracts/scope.ts'
import { createRequestGuard, requestCheckpoint, type ForwardedHead, type RequestHead } from './request.ts'
import { authenticated } from './stages/request/authenticated.ts'
import type { RequestContext, RequestFacts } from './stages/request/facts.ts'
import { addressKey, FailedAttempts, TokenBuckets } from './stages/request/rate-limits.ts'
import { isCleared } from './run-checkpoint.ts'
import type { CheckpointReport } from './stage.ts'

const PORT = 18_789
const RIGHT = 'right-token'

function guarded(
  more: {
    readonly scopes?: readonly Scope[]
    readonly allowedHosts?: readonly string[]
    readonly allowedOrigins?: readonly string[]
    readonly trustedProxies?: readonly string[]
  } = {},
) {
  const reports: CheckpointReport[] = []
  let now = 1_000_000
  const guard = createRequestGuard({
    allowedHosts: more.allowedHosts ?? [],
    allowedOrigins: more.allowedOrigins ?? [],
    maxBodyBytes: 1000,
    access: new Access([[RIGHT, { id: 'owner', scopes: more.scopes ?? ['operator.admin'], credential: 'token' }]], { failedAuthLimit: 3, now: () => now }),
    readForwarded: more.trustedProxies === undefined ? null : trustProxies(more.trustedProxies),
    report: (report) => reports.push(report),
    now: () => now,
  })
  const head: RequestHead = {
    method: 'POST',
    path: '/v1/models',
    address: '127.0.0.1',
    host: `127.0.0.1:${PORT}`,
    origin: null,
    fetchSite: null,
    scope: 'operator.write',
    isAttempt: false,
    isUpgrade: false,
    contentLength: 10,
    token: RIGHT,
    session: null,
    csrfToken: null,
    forwarded: null,
  }
  const code = (change: Partial<RequestHead>) => {
    const decision = guard({ ...head, ...change }, PORT)
    return decision.ok ? 'ok' : decision.refusal.code
  }
  return { guard, head, code, reports, pass: (ms: number) => (now += ms) }
}

test('the request checkpoint keeps its order', () => {
  assert.deepEqual(
    requestCheckpoint.stages.map((stage) => stage.name),
    ['hostKnown', 'originAllowed', 'proxyTrusted', 'withinRate', 'authenticated', 'csrfToken', 'scopeGranted', 'bodyWithinLimit'],
  )
})

test('a good request is cleared, carries its principal, and never its token', () => {
  const { guard, head, reports } = guarded()
  const decision = guard(head, PORT)
  assert.ok(decision.ok)
  assert.ok(isCleared(decision.value))
  assert.equal(decision.value.principal?.id, 'owner')
  assert.ok(!JSON.stringify([decision.value, reports]).includes(RIGHT))
})

test('A6 hostKnown: loopback names with our port, or configured names', () => {
  const { code } = guarded({ allowedHosts: ['gw.example', 'only.example:8443'] })
  for (const host of [`127.0.0.1:${PORT}`, `localhost:${PORT}`, `[::1]:${PORT}`, 'gw.example', 'gw.example:99', 'only.example:8443']) {
    assert.equal(code({ host }), 'ok', host)
  }
  const bad = [
    null,
    '',
    'evil.example',
    `evil.example:${PORT}`,
    '127.0.0.1:1',
    'localhost',
    `localhost.:${PORT}`,
    `127.0.0.1.evil:${PORT}`,
    'only.example',
    `0.0.0.0:${PORT}`,
  ]
  for (const host of bad) assert.equal(code({ host }), 'request/host-unknown', String(host))
})

test('A2 originAllowed: our own pages and configured origins', () => {
  const { code } = guarded({ allowedOrigins: ['https://ui.example'] })
  for (const origin of [null, `http://127.0.0.1:${PORT}`, 'https://ui.example']) assert.equal(code({ origin }), 'ok', String(origin))
  const bad = [
    'null',
    'http://evil',
    `http://127.0.0.1:${PORT + 1}`,
    'http://127.0.0.1',
    `http://127.0.0.1.evil:${PORT}`,
    `http://localhost:${PORT}`,
    'https://ui.example.evil',
    '',
    'invalid',
  ]
  for (const origin of bad) assert.equal(code({ origin }), 'request/origin-refused', origin)
})

test('A4 originAllowed: cross-site fetches without Origin', () => {
  const { code } = guarded({ allowedOrigins: ['https://ui.example'] })
  for (const fetchSite of ['cross-site', 'same-site', 'weird']) assert.equal(code({ fetchSite }), 'request/origin-refused', fetchSite)
  for (const fetchSite of ['none', 'same-origin', null]) assert.equal(code({ fetchSite }), 'ok')
  assert.equal(code({ fetchSite: 'cross-site', origin: 'https://ui.example' }), 'ok')
})

const FORWARDED: ForwardedHead = { name: 'x-forwarded-for', for: '203.0.113.9', proto: 'https', host: null, clients: [], fault: null }

test('B1 proxyTrusted: one proxy header of anybody else is enough', () => {
  assert.equal(guarded().code({ forwarded: FORWARDED }), 'request/proxied')
  assert.equal(guarded({ trustedProxies: ['10.0.0.0/8'] }).code({ forwarded: FORWARDED }), 'request/proxied')
})

test('B2 proxyTrusted: behind a trusted proxy the client is the right-most address that is none', () => {
  const { guard, head } = guarded({ trustedProxies: ['10.0.0.0/8', '127.0.0.1', '2001:db8:aaaa::/48'], allowedHosts: ['gw.example'] })
  const through = (change: Partial<ForwardedHead>, address = '10.1.2.3') => {
    const decision = guard({ ...head, address, host: 'gw.example', forwarded: { ...FORWARDED, ...change } }, PORT)
    return decision.ok ? decision.value.address : decision.refusal.why
  }
  assert.equal(through({}), '203.0.113.9')
  assert.equal(through({ for: '127.0.0.1, 203.0.113.9' }), '203.0.113.9')
  assert.equal(through({ for: '198.51.100.1, 203.0.113.9, 10.9.9.9' }), '203.0.113.9')
  assert.equal(through({ for: '203.0.113.9, 2001:db8:aaaa::1' }, '::ffff:10.1.2.3'), '203.0.113.9')
  assert.equal(through({ for: '10.0.0.5, 10.0.0.6' }), '10.0.0.5')
  for (const chain of [
    '',
    'localhost',
    '203.0.113.9:80',
    '203.0.113.9, ',
    '127.1',
    '0x7f.0.0.1',
    '[::1]',
    'fe80::1%eth0',
    'unknown',
    `${'10.0.0.1, '.repeat(40)}10.0.0.1`,
  ]) {
    assert.match(through({ for: chain }), /X-Forwarded-For/, chain)
  }
  assert.match(through({}, '11.0.0.1'), /trustedProxies/)
  assert.match(through({ clients: ['203.0.113.8'] }), /different clients/)
  assert.equal(through({ clients: ['203.0.113.9'] }), '203.0.113.9')
  assert.match(through({ proto: 'gopher' }), /Proto/)
  assert.match(through({ fault: 'x-forwarded-for comes twice' }), /twice/)
  const named = guard({ ...head, address: '10.1.2.3', forwarded: { ...FORWARDED, host: 'evil.example' } }, PORT)
  assert.equal(named.ok ? '' : named.refusal.code, 'request/host-unknown')
})

test('A3 addressKey: a /64 is one guesser, and this machine no network', () => {
  assert.equal(addressKey('203.0.113.9'), '203.0.113.9')
  assert.equal(addressKey('::ffff:203.0.113.9'), '203.0.113.9')
  assert.equal(addressKey('2001:db8:1:2::1'), addressKey('2001:DB8:0001:2:ffff:ffff:ffff:ffff'))
  assert.equal(addressKey('2001:db8::1'), addressKey('2001:db8:0:0:1:2:3:4'))
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'))
  assert.equal(addressKey('::1'), '::1')
})

test('withinRate slows strangers down and leaves the owner alone', () => {
  const { code, pass } = guarded()
  for (let count = 0; count < 200; count++) assert.equal(code({ token: null, scope: 'public' }), 'ok')
  assert.equal(code({ token: null, scope: 'public' }), 'request/rate-limited')
  assert.equal(code({}), 'ok')
  assert.equal(code({ token: null, scope: 'public', address: '127.0.0.2' }), 'ok')
  pass(10)
  assert.equal(code({ token: null, scope: 'public' }), 'ok')
})

test('A3 authenticated: wrong tokens lock out, the right one still passes', () => {
  const { guard, head, code, pass } = guarded()
  for (let count = 0; count < 3; count++) assert.equal(code({ token: 'wrong' }), 'auth/unauthorized')
  const decision = guard({ ...head, token: 'wrong' }, PORT)
  assert.ok(!decision.ok)
  assert.equal(decision.refusal.code, 'auth/locked-out')
  assert.equal(decision.refusal.retryAfterMs, 60_000)
  assert.equal(code({ token: '' }), 'auth/locked-out')
  assert.equal(code({ token: 'wrong', scope: 'public' }), 'auth/locked-out')
  assert.equal(code({}), 'ok')
  assert.equal(code({ token: null }), 'auth/unauthorized')
  pass(60_000)
  assert.equal(code({ token: 'wrong' }), 'auth/unauthorized')
})

test('C1 scopeGranted: a reader cannot write', () => {
  const reader = guarded({ scopes: ['operator.read'] })
  assert.equal(reader.code({}), 'auth/forbidden')
  assert.equal(reader.code({ scope: 'operator.read' }), 'ok')
  assert.equal(guarded({ scopes: [] }).code({ scope: 'operator.read' }), 'auth/forbidden')
})

test('I1 bodyWithinLimit: the declared length counts', () => {
  const { code } = guarded()
  assert.equal(code({ contentLength: 1000 }), 'ok')
  assert.equal(code({ contentLength: 1001 }), 'request/too-large')
  assert.equal(code({ contentLength: null }), 'ok')
})

const READ: ReadonlyMap<string, Principal> = new Map([['cookie', { id: 'owner', scopes: ['operator.admin'], credential: 'password:0001' }]])

/** A guard whose access notes every secret that it is asked for. */
function asked() {
  const tried: string[] = []
  const token: Principal = { id: 'token', scopes: ['operator.admin'], credential: 'token' }
  const guard = createRequestGuard({
    allowedHosts: ['gw.example'],
    allowedOrigins: [],
    maxBodyBytes: 1000,
    access: {
      failures: new FailedAttempts(1000),
      strangers: new TokenBuckets(100, 200),
      authenticate: (given) => (tried.push(`token ${given}`), given === RIGHT ? token : null),
      session: (given) => {
        tried.push(`session ${given}`)
        const principal = READ.get(given)
        return principal === undefined ? null : { principal, origin: 'https://gw.example', isCsrfToken: (one) => one.length > 0 && one === 'csrf' }
      },
    },
    readForwarded: trustProxies(['127.0.0.1']),
    report: () => undefined,
    now: () => 0,
  })
  const { head } = guarded()
  const come = (change: Partial<RequestHead>, tailnet?: Principal) => {
    tried.length = 0
    const decision = guard({ ...head, token: null, scope: 'operator.read', method: 'GET', ...change }, PORT, tailnet)
    return decision.ok ? decision.value : decision.refusal
  }
  const who = (change: Partial<RequestHead>, tailnet?: Principal) => {
    const found = come(change, tailnet)
    return 'credential' in found ? `${found.credential} ${found.principal?.id ?? 'nobody'}` : found.code
  }
  return { tried, come, who }
}

test('C1 one credential counts: the bearer token before the cookie, the cookie before the tailnet, and a wrong one is not saved by the next', () => {
  const { who, tried } = asked()
  const guest: Principal = { id: 'guest', scopes: ['operator.read'], credential: 'tailnet:guest' }
  assert.equal(who({ token: RIGHT, session: 'cookie', host: 'gw.example' }, guest), 'right token')
  assert.deepEqual(tried, [`token ${RIGHT}`])
  assert.equal(who({ token: 'wrong', session: 'cookie', host: 'gw.example' }, guest), 'auth/unauthorized')
  assert.deepEqual(tried, ['token wrong'])
  assert.equal(who({ token: '', session: 'cookie', host: 'gw.example' }, guest), 'auth/unauthorized')
  assert.deepEqual(tried, [])
  assert.equal(who({ session: '', host: 'gw.example' }, guest), 'auth/unauthorized')
  assert.deepEqual(tried, [])
  assert.equal(who({ session: 'lost' }, guest), 'auth/unauthorized')
  assert.deepEqual(tried, ['session lost'])
  assert.equal(who({}, guest), 'right guest')
  assert.equal(who({}), 'auth/unauthorized')
  assert.deepEqual(tried, [])
  // The same where nothing is needed: what came is told as it is.
  const open = { scope: 'public' } as const
  assert.deepEqual(
    [who(open), who({ ...open, token: '' }), who({ ...open, session: '' }), who({ ...open, session: 'lost' }, guest), who({ ...open, token: 'wrong' }, guest)],
    ['absent nobody', 'wrong nobody', 'wrong nobody', 'wrong nobody', 'wrong nobody'],
  )
  assert.equal(who({ ...open, session: 'cookie' }), 'right owner')
})

test('A4 a cookie is used by its own page: what it needs for a read, a change and a socket', () => {
  const { come } = asked()
  const own = 'https://gw.example'
  const code = (change: Partial<RequestHead>) => {
    const found = come({ session: 'cookie', host: 'gw.example', ...change })
    return 'code' in found ? found.code : 'ok'
  }
  const tls: ForwardedHead = { ...FORWARDED, for: '203.0.113.9', proto: 'https', host: 'gw.example' }
  assert.equal(code({ forwarded: tls }), 'ok', 'implied by the address that was asked, over TLS')
  assert.equal(code({}), 'auth/csrf', 'over plain http it is another page')
  assert.equal(code({ forwarded: { ...tls, proto: 'http' } }), 'auth/csrf')
  assert.equal(code({ forwarded: tls, method: 'HEAD' }), 'ok')
  assert.equal(code({ forwarded: tls, method: 'POST', csrfToken: 'csrf' }), 'auth/csrf', 'a change names its page')
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'get']) {
    assert.equal(code({ origin: own, method }), 'auth/csrf', method)
    assert.equal(code({ origin: own, method, csrfToken: 'other' }), 'auth/csrf', method)
    assert.equal(code({ origin: own, method, csrfToken: 'csrf' }), 'ok', method)
  }
  assert.equal(code({ origin: 'http://gw.example', method: 'POST', csrfToken: 'csrf' }), 'auth/csrf', 'our host, and not the page of this session')
  assert.equal(code({ origin: own, isUpgrade: true }), 'ok')
  assert.equal(code({ forwarded: tls, isUpgrade: true }), 'auth/csrf', 'a browser names the page of a socket')
  assert.equal(code({ origin: 'http://gw.example', scope: 'public', method: 'POST' }), 'ok', 'what is public needs nothing')
  const bearer = come({ token: RIGHT, session: 'cookie', host: 'gw.example', method: 'POST' })
  assert.ok('cookie' in bearer && bearer.cookie === null, 'a bearer token is sent by no browser by itself')
})

test('C3 a token that needs a proof opens nothing but a socket, and a refusal tells what was missing', () => {
  const facts = (change: Partial<RequestFacts>): RequestFacts => ({
    method: 'GET',
    path: '/',
    address: '203.0.113.9',
    isSecure: false,
    host: 'gw.example',
    origin: null,
    fetchSite: null,
    proxyFault: null,
    credential: 'right',
    principal: { id: 'device:d', scopes: ['operator.read'], credential: 'device:d', needsProof: true },
    cookie: null,
    scope: 'operator.read',
    isAttempt: false,
    isUpgrade: false,
    contentLength: null,
    ...change,
  })
  const failures = new FailedAttempts(2)
  const context: RequestContext = { port: 1, allowedHosts: [], allowedOrigins: [], maxBodyBytes: 1, rates: new TokenBuckets(1, 1), failures, now: 0 }
  const why = (change: Partial<RequestFacts>) => {
    const verdict = authenticated.check(facts(change), context)
    return verdict.verdict === 'block' ? `${verdict.code}: ${verdict.why}` : verdict.verdict
  }
  assert.equal(why({}), 'auth/unauthorized: a device signs the challenge of a WebSocket: its token alone opens nothing')
  assert.equal(why({ isUpgrade: true }), 'pass')
  assert.equal(why({ scope: 'public' }), 'pass')
  assert.equal(why({ principal: { id: 'owner', scopes: [], credential: 'token' } }), 'pass')
  assert.match(why({ credential: 'absent', principal: null }), /^auth\/unauthorized: send it as/)
  assert.equal(why({ credential: 'wrong', principal: null }), 'auth/unauthorized: it is no credential of this gateway')
  assert.match(why({ credential: 'right', principal: null }), /^auth\/unauthorized/, 'right, but nobody')
  assert.match(why({ credential: 'absent', principal: { id: 'owner', scopes: [], credential: 'token' } }), /^auth\/unauthorized/, 'somebody, but not right')
  assert.equal(why({ isAttempt: true, scope: 'public' }), 'pass', 'the second that counts')
  assert.match(why({ isAttempt: true, scope: 'public' }), /^auth\/locked-out/)
  assert.equal(why({ isUpgrade: true }), 'pass', 'a right one passes while others are locked out')
})

test('B2 what a proxy hands on is read to its last address, and every header of it has one reading', () => {
  const read = trustProxies(['10.0.0.0/8', '2001:db8::/32'])
  const through = (change: Partial<ForwardedHead>, peer = '10.1.2.3') => {
    const found = read(peer, { ...FORWARDED, ...change })
    return 'fault' in found ? found.fault : `${found.address} ${found.isSecure} ${found.host}`
  }
  assert.equal(through({}), '203.0.113.9 true null')
  assert.equal(through({ proto: 'http' }), '203.0.113.9 false null')
  assert.equal(through({ proto: null }), '203.0.113.9 false null')
  for (const proto of ['', 'HTTPS', 'wss', 'https,http']) assert.equal(through({ proto }), 'X-Forwarded-Proto is neither http nor https', proto)
  for (const host of ['gw.example', 'gw.example:8443', '[::1]:1', 'a_b-c', 'a'.repeat(255)]) assert.equal(through({ host }), `203.0.113.9 true ${host}`)
  for (const host of ['', 'a b', 'a/b', 'A', 'a@b', 'a,b', 'a'.repeat(256)]) assert.equal(through({ host }), 'X-Forwarded-Host is no host', host)
  for (const peer of ['', 'localhost', '11.0.0.1', '2001:db9::1', '10.1.2.3:80', '::ffff:11.0.0.1'])
    assert.match(through({}, peer), /the peer is not one of/, peer)
  assert.equal(through({}, '2001:db8::7'), '203.0.113.9 true null')
  assert.equal(through({}, '::ffff:10.0.0.1'), '203.0.113.9 true null')
  assert.equal(through({ for: null }), 'x-forwarded-for: X-Forwarded-For is missing')
  assert.equal(through({ for: '' }), 'X-Forwarded-For is no list of addresses')
  assert.equal(through({ for: '  203.0.113.9\t,10.0.0.1' }), '203.0.113.9 true null')
  assert.equal(through({ for: `203.0.113.9${', 10.0.0.1'.repeat(31)}` }), '203.0.113.9 true null', '32 of them')
  assert.equal(through({ for: `203.0.113.9${', 10.0.0.1'.repeat(32)}` }), 'X-Forwarded-For is no list of addresses')
  assert.equal(through({ for: '2001:db9:0:0::1' }), '2001:db9::1 true null')
  assert.equal(through({ clients: [' 203.0.113.9 ', '::ffff:203.0.113.9'] }), '203.0.113.9 true null')
  for (const other of ['', 'unknown', '203.0.113.8']) assert.equal(through({ clients: ['203.0.113.9', other] }), 'headers name different clients', other)
  assert.equal(through({ fault: 'it came twice', for: null }), 'it came twice')
})
