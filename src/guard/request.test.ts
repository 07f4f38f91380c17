import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Access } from './identity/access.ts'
import { trustProxies } from './trusted-proxies.ts'
import type { Scope } from '../contracts/scope.ts'
import { createRequestGuard, requestCheckpoint, type ForwardedHead, type RequestHead } from './request.ts'
import { addressKey } from './stages/request/rate-limits.ts'
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
