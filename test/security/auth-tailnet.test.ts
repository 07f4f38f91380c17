/** B3 B5: names in headers are claims, and a machine is no credential. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tailnet, type TailnetClaim } from '../../src/guard/identity/tailnet.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { startTailscaled } from '../doubles/tailscaled.ts'

const ME = 'me@example.com'
const skip = process.platform === 'linux' ? false : 'only Linux tells whose a socket is'

async function statusOf({ url }: ConfiguredGateway, headers: Readonly<Record<string, string>>, path = '/v1/models', method = 'GET'): Promise<number> {
  const response = await fetch(`${url}${path}`, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })
  await response.arrayBuffer()
  return response.status
}

test('B3 a person of the tailnet is who the daemon says, and gets what was configured', { skip }, async () => {
  await using daemon = await startTailscaled({ '100.64.0.7': ME, '100.64.0.8': 'thief@example.com', '100.64.0.9': 'tagged-devices', 'fd7a:115c:a1e0::7': ME })
  const tailscale = { enabled: true, users: [ME], socket: daemon.socket }
  await using cara = await configuredGateway({ gateway: { trustedProxies: ['127.0.0.1'], auth: { tailscale } } })
  const as = (login: string, client: string) => ({ 'tailscale-user-login': login, 'x-forwarded-for': client, 'content-type': 'application/json' })
  assert.equal(await statusOf(cara, as(ME, '100.64.0.7')), 200)
  assert.equal(await statusOf(cara, as('ME@example.com', 'fd7a:115c:a1e0::7')), 200)
  assert.equal(await statusOf(cara, as(ME, '100.64.0.7'), '/v1/chat/completions', 'POST'), 400)
  const asked = daemon.asked.length
  for (const [name, headers] of Object.entries<Readonly<Record<string, string>>>({
    'another person’s machine': as(ME, '100.64.0.8'),
    'a machine of nobody': as('tagged-devices', '100.64.0.9'),
    'an address that nobody has': as(ME, '100.64.0.66'),
    'a person who is not configured': as('thief@example.com', '100.64.0.8'),
    nobody: { 'x-forwarded-for': '100.64.0.7' },
    'two addresses': as(ME, '100.64.0.8, 100.64.0.7'),
    'a port': as(ME, '100.64.0.7:1'),
    'an empty name': as('', '100.64.0.7'),
    'two names': as(`${ME}, ${ME}`, '100.64.0.7'),
    'a wrong token beside': { ...as(ME, '100.64.0.7'), authorization: 'Bearer wrong' },
  })) {
    const status = await statusOf(cara, headers)
    assert.ok(status === 401 || status === 403, `${name} ${status}`)
  }
  assert.ok(daemon.asked.length > asked)
  // Without the header of a proxy it is a local program, and those need a token.
  assert.equal(await statusOf(cara, { 'tailscale-user-login': ME }), 401)
})

test('B3 the headers alone open nothing: off by default, without the proxy, without the daemon', { skip }, async () => {
  await using daemon = await startTailscaled({ '100.64.0.7': ME })
  const headers = { 'tailscale-user-login': ME, 'x-forwarded-for': '100.64.0.7' }
  for (const [auth, expected] of [
    [{ trustedProxies: ['127.0.0.1'] }, 401],
    [{ auth: { tailscale: { enabled: true, users: [ME], socket: daemon.socket } } }, 403],
    [{ trustedProxies: ['127.0.0.1'], auth: { tailscale: { enabled: true, users: [ME], socket: `${daemon.socket}-gone` } } }, 401],
    [{ trustedProxies: ['127.0.0.1'], auth: { tailscale: { enabled: true, users: [], socket: daemon.socket } } }, 401],
  ] as const) {
    await using cara = await configuredGateway({ gateway: auth })
    assert.equal(await statusOf(cara, headers), expected, JSON.stringify(auth))
  }
})

test('B3 B5 another program of this machine that forges the headers is a stranger', async () => {
  const claim: TailnetClaim = { peerAddress: '127.0.0.1', peerPort: 5000, ownPort: 18_789, client: '100.64.0.7', login: ME }
  const known = { login: ME, addresses: ['100.64.0.7/32'] }
  const tailnet = (more: Partial<ConstructorParameters<typeof Tailnet>[0]>) =>
    new Tailnet({ users: [ME], scopes: ['operator.read'], whoIs: async () => known, ownerOfPeer: async () => 0, ownerOfDaemon: async () => 0, ...more })
  assert.equal((await tailnet({}).identify(claim))?.id, `tailnet:${ME}`)
  for (const [name, who, given] of [
    ['a socket of another user', tailnet({ ownerOfPeer: async () => 1000 }), claim],
    ['a socket of nobody', tailnet({ ownerOfPeer: async () => null }), claim],
    ['no daemon', tailnet({ ownerOfPeer: async () => null, ownerOfDaemon: async () => null }), claim],
    ['a daemon that fails', tailnet({ whoIs: () => Promise.reject(new Error('x')) }), claim],
    ['another address than asked about', tailnet({ whoIs: async () => ({ ...known, addresses: ['100.64.0.70/32'] }) }), claim],
    ['another machine', tailnet({}), { ...claim, peerAddress: '100.64.0.7' }],
    ['a name for an address', tailnet({}), { ...claim, client: 'localhost' }],
  ] as const) {
    assert.equal(await who.identify(given), null, name)
  }
  const never = Promise.withResolvers<null>()
  const slow = tailnet({ whoIs: () => never.promise })
  const waiting = Array.from({ length: 8 }, () => slow.identify(claim))
  assert.equal(await slow.identify(claim), null)
  never.resolve(null)
  assert.deepEqual([...new Set(await Promise.all(waiting))], [null])
})
