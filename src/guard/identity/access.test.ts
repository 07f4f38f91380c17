import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../../contracts/principal.ts'
import { Access, type DeviceBook, ownerOf, type SessionBook, tokenCredential } from './access.ts'
import { Sessions } from './sessions.ts'

const OWNER = ownerOf('first')
const READER: Principal = { id: 'reader', scopes: ['operator.read'], credential: 'token:read' }
const GUEST: Principal = { id: 'tailnet:eve@a.example', scopes: ['operator.write'], credential: 'tailnet:eve@a.example' }
const DEVICE: Principal = { id: 'device:d', scopes: ['operator.write'], credential: 'device:d' }
const SESSION: Principal = { id: 'owner', scopes: ['operator.admin'], credential: 'password:0001' }

const opened = () =>
  new Access(
    [
      ['first', OWNER],
      ['second', READER],
    ],
    { failedAuthLimit: 3, now: () => 7 },
  )

/** Books that know one principal each, and only at the moment that the clock shows. */
const devices: DeviceBook = {
  byToken: (token, now) => (token === 'cara_device_right' && now === 7 ? DEVICE : null),
  isCurrent: (principal, now) => principal === DEVICE && now === 7,
  scopesOf: (credential, now) => (credential === DEVICE.credential && now === 7 ? DEVICE.scopes : null),
  find: () => null,
  touch: () => undefined,
}
const sessionsThat = (uses: Principal[]): SessionBook => ({
  find: (secret, now) => (secret === 'cookie' && now === 7 ? { principal: SESSION, origin: 'http://a', isCsrfToken: () => false } : null),
  isCurrent: (principal, now) => principal === SESSION && now === 7,
  use: (principal, now) => {
    uses.push(principal)
    return principal === SESSION && now === 7
  },
  describe: () => null,
  end: () => false,
  endAll: () => 0,
})

test('the name of a token tells it from another, and is too short to try tokens with', () => {
  assert.match(tokenCredential('first'), /^token:[0-9a-f]{4}$/)
  assert.equal(tokenCredential('first'), tokenCredential('first'))
  assert.notEqual(tokenCredential('first'), tokenCredential('other'))
})

test('a token opens what is its own, and a device is asked for device tokens alone', () => {
  const access = opened()
  assert.equal(access.authenticate('first'), OWNER)
  assert.equal(access.authenticate('second'), READER)
  for (const wrong of ['', 'firs', 'first ', 'third', 'cara_device_right']) assert.equal(access.authenticate(wrong), null, wrong)
  const asked: string[] = []
  access.devices = { ...devices, byToken: (token, now) => (asked.push(token), devices.byToken(token, now)) }
  assert.equal(access.authenticate('cara_device_right'), DEVICE)
  assert.equal(access.authenticate('cara_device_wrong'), null)
  assert.equal(access.authenticate('right_cara_device_'), null)
  assert.deepEqual(asked, ['cara_device_right', 'cara_device_wrong'])
  assert.equal(access.session('cookie'), null)
  access.sessions = sessionsThat([])
  assert.deepEqual([access.session('cookie')?.principal, access.session('other')], [SESSION, null])
})

test('C4 the very principal of each kind is current, and one that only looks like it is not', () => {
  const access = opened()
  const all = [OWNER, READER, GUEST, DEVICE, SESSION]
  const current = () => all.map((one) => access.isCurrent(one))
  assert.deepEqual(current(), [true, true, false, false, false])
  access.tailnet = new Map([[GUEST.id, GUEST]])
  assert.deepEqual(current(), [true, true, true, false, false])
  access.devices = devices
  assert.deepEqual(current(), [true, true, true, true, false])
  access.devices = null
  access.sessions = sessionsThat([])
  assert.deepEqual(current(), [true, true, true, false, true])
  access.devices = devices
  assert.deepEqual(current(), [true, true, true, true, true])
  for (const one of all) assert.equal(access.isCurrent({ ...one }), false, one.id)
})

test('C4 use keeps a session alive, and holds for whoever else is current', () => {
  const access = opened()
  assert.deepEqual([access.isInUse(OWNER), access.isInUse(SESSION)], [true, false])
  const uses: Principal[] = []
  access.sessions = { ...sessionsThat(uses), isCurrent: () => false }
  assert.deepEqual([access.isInUse(SESSION), access.isInUse(OWNER), access.isInUse(DEVICE)], [true, true, false])
  assert.deepEqual(uses, [SESSION, OWNER, DEVICE])
})

test('C4 a credential sends while it holds the right to write', () => {
  const access = opened()
  access.passwordCredential = 'password:0001'
  access.tailnet = new Map([[GUEST.id, GUEST]])
  const may = () => [OWNER, READER, GUEST, DEVICE, SESSION].map(({ credential }) => access.maySend(credential))
  assert.deepEqual(may(), [true, false, true, false, true])
  access.devices = devices
  access.passwordCredential = null
  assert.deepEqual(may(), [true, false, true, true, false])
  assert.deepEqual(access.scopesOf(READER.credential), ['operator.read'])
  assert.deepEqual(access.scopesOf(OWNER.credential), ['operator.admin'])
  assert.equal(access.scopesOf('token:none'), null)
  access.tailnet = new Map([[GUEST.id, { ...GUEST, scopes: ['operator.read'] }]])
  assert.equal(access.maySend(GUEST.credential), false)
})

test('C4 a new token ends the old one alone, and who listens is told until he stops', () => {
  const access = opened()
  let told = 0
  const stop = access.onEnded(() => told++)
  access.replaceToken('third')
  assert.equal(told, 1)
  assert.equal(access.authenticate('first'), null)
  assert.deepEqual(access.authenticate('third'), ownerOf('third'))
  assert.equal(access.authenticate('second'), READER)
  assert.equal(access.isCurrent(OWNER), false)
  stop()
  access.ended()
  assert.equal(told, 1)
})

const HOUR = 3_600_000
const open = (sessions: Sessions, now: number) => sessions.open({ origin: 'https://a', credential: 'password:0001', now })

test('C4 a session that was ended opens nothing, and the others stay', () => {
  const sessions = new Sessions()
  const one = open(sessions, 0)
  const two = open(sessions, 0)
  assert.equal(sessions.end(one.principal), true)
  assert.equal(sessions.end(one.principal), false)
  assert.deepEqual([sessions.find(one.secret, 1), sessions.isCurrent(one.principal, 1), sessions.use(one.principal, 1)], [null, false, false])
  assert.equal(sessions.find(two.secret, 1)?.principal, two.principal)
  open(sessions, 1)
  assert.equal(sessions.endAll(), 2)
  assert.deepEqual([sessions.find(two.secret, 2), sessions.isCurrent(two.principal, 2), sessions.describe(two.principal)], [null, false, null])
  assert.equal(sessions.endAll(), 0)
})

test('a session tells its own page its token and its end, and nobody else', () => {
  const sessions = new Sessions()
  const { principal, csrfToken, secret, expiresAt } = open(sessions, 5)
  assert.deepEqual(principal, { id: 'owner', scopes: ['operator.admin'], credential: 'password:0001' })
  assert.deepEqual(sessions.describe(principal), { csrfToken, expiresAt })
  assert.equal(expiresAt, 5 + 7 * 24 * HOUR)
  assert.equal(sessions.describe({ ...principal }), null)
  const found = sessions.find(secret, 6)
  assert.deepEqual(
    [found?.origin, found?.isCsrfToken(csrfToken), found?.isCsrfToken(`${csrfToken}x`), found?.isCsrfToken('')],
    ['https://a', true, false, false],
  )
  assert.notEqual(open(sessions, 5).csrfToken, csrfToken)
})

test('C4 looking whether a session is current is no use of it, and use is', () => {
  const sessions = new Sessions()
  const { principal } = open(sessions, 0)
  assert.equal(sessions.isCurrent(principal, 11 * HOUR), true)
  assert.equal(sessions.isCurrent(principal, 12 * HOUR), false)
  assert.equal(sessions.use(principal, 12 * HOUR), false)
  assert.equal(sessions.use(principal, 11 * HOUR), true)
  assert.equal(sessions.isCurrent(principal, 23 * HOUR - 1), true)
  assert.equal(sessions.isCurrent(principal, 23 * HOUR), false)
})

test('I1 a login makes room of sessions that ran out before it takes one that is in use', () => {
  const sessions = new Sessions()
  const oldest = open(sessions, 0)
  const idle = Array.from({ length: 62 }, () => open(sessions, 0))
  sessions.use(oldest.principal, 11 * HOUR)
  open(sessions, 12 * HOUR)
  open(sessions, 12 * HOUR)
  assert.ok(sessions.find(oldest.secret, 12 * HOUR) !== null)
  assert.ok(idle.every(({ principal }) => sessions.describe(principal) === null))
  assert.equal(sessions.endAll(), 3)
})
