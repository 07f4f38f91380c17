/** The question to the Tailscale daemon, against daemons that answer something else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { whoIs } from '../../src/net/tailscale.ts'

const timeout = 5000
const MOST = 256 * 1024
const ANSWER = JSON.stringify({ Node: { Addresses: ['100.64.0.7/32'] }, UserProfile: { LoginName: 'me@example.com' } })
const ME = { login: 'me@example.com', addresses: ['100.64.0.7/32'] }

async function asks(t: TestContext, listener: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-tailscale-'))
  const socket = join(folder, 'daemon.sock')
  const server = createServer(listener)
  server.listen(socket)
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { who: (address = '100.64.0.7') => whoIs(socket, address), socket, server }
}

test('the daemon is asked about one address, and names its person', { timeout }, async (t) => {
  const asked: unknown[] = []
  const { who } = await asks(t, ({ method, url, headers }, response) => {
    asked.push([method, url, headers.host])
    response.end(ANSWER)
  })
  assert.deepEqual(await who('fd7a::1&x=/'), ME)
  assert.deepEqual(asked, [['GET', '/localapi/v0/whois?addr=fd7a%3A%3A1%26x%3D%2F', 'local-tailscaled.sock']])
})

for (const [what, listener] of [
  ['another status', (_, response) => void response.writeHead(404).end(ANSWER)],
  ['a status of success that is another', (_, response) => void response.writeHead(201).end(ANSWER)],
  ['no JSON', (_, response) => void response.end('{')],
  ['another form', (_, response) => void response.end('{"Node":{"Addresses":[7]},"UserProfile":{"LoginName":"me@example.com"}}')],
  ['no person', (_, response) => void response.end('{"Node":{"Addresses":[]},"UserProfile":{}}')],
  ['no node', (_, response) => void response.end('{"UserProfile":{"LoginName":"me@example.com"}}')],
  ['half of it', (_, response) => void response.writeHead(200, { 'content-length': 1000 }).write(ANSWER, () => response.destroy())],
  ['a closed connection', ({ socket }) => void socket.destroy()],
] satisfies readonly (readonly [string, RequestListener])[])
  test(`${what} is nobody`, { timeout }, async (t) => {
    const { who } = await asks(t, listener)
    assert.equal(await who(), null)
  })

test('nobody answers where there is no daemon', { timeout }, async (t) => {
  const { socket } = await asks(t, () => undefined)
  assert.equal(await whoIs(`${socket}-gone`, '100.64.0.7'), null)
})

test('an answer of 256 KiB is read, and a larger one is left', { timeout }, async (t) => {
  const whole = await asks(t, (_, response) => void response.end(ANSWER.padStart(MOST)))
  assert.deepEqual(await whole.who(), ME)
  const left = Promise.withResolvers<null>()
  const { who } = await asks(t, (_, response) => {
    response.on('close', () => left.resolve(null))
    response.write(ANSWER.padEnd(MOST + 1))
  })
  // Its time is not what ends it.
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal)
  assert.equal(await who(), null)
  await left.promise
})

test('a daemon that says nothing for a second is nobody', { timeout }, async (t) => {
  const asked = Promise.withResolvers<null>()
  const { who } = await asks(t, () => asked.resolve(null))
  const controller = new AbortController()
  const { mock } = t.mock.method(AbortSignal, 'timeout', () => controller.signal)
  const answer = who()
  await asked.promise
  assert.deepEqual(mock.calls[0]?.arguments, [1000])
  controller.abort()
  assert.equal(await answer, null)
})
