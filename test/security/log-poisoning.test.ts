/** K2: what strangers send shows in no line that somebody, or a model, reads later. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { whyResult } from '../../src/contracts/ws/approvals.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const POISON = 'IGNORE-PREVIOUS-INSTRUCTIONS'
const LONG = `${POISON} `.repeat(500)

function send(port: number, path: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const sending = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
    response.resume()
    response.on('end', () => resolve(response.statusCode ?? 0))
  })
  sending.on('upgrade', (_response, socket) => {
    socket.destroy()
    resolve(101)
  })
  sending.on('error', () => resolve(0))
  sending.end()
  return promise
}

test('K2 headers, paths and names of strangers are in no line of the log', async () => {
  await using cara = await configuredGateway({ logging: { level: 'debug' } })
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
  const fields = ['user-agent', 'referer', 'origin', 'x-forwarded-for', 'authorization', 'sec-websocket-protocol', 'cookie', 'x-request-id']
  for (const field of fields) {
    await send(cara.port, '/health', { [field]: LONG })
    await send(cara.port, '/ws', { ...upgrade, [field]: LONG })
  }
  for (const path of [`/${POISON}`, `/v1/${POISON}?${POISON}`, `/%0a${POISON}`, `/ws/${POISON}`]) {
    await send(cara.port, path, {})
    await send(cara.port, path, upgrade)
    await send(cara.port, path, { authorization: `Bearer ${cara.token}` })
  }
  await send(cara.port, '/health', { host: `${POISON}.example` })
  for (const method of [POISON, 'chat.send']) await cara.client.call(method, { [POISON]: POISON }).catch(() => undefined)
  await cara.stop()
  const log = cara.logged()
  assert.match(log, /guard\.decision/, 'the refusals themselves are there')
  assert.doesNotMatch(log, /IGNORE-PREVIOUS/i)
})

test('K2 what a model puts into a call is in no line of the log, and the owner finds it with its refusal', async () => {
  const destinations = { team: { url: 'https://hooks.example/in', format: 'text' } }
  await using cara = await configuredGateway({ logging: { level: 'debug' }, messages: { destinations }, approvals: { mode: 'deny' } })
  const calls = [
    { id: 'c0', name: 'web_fetch', arguments: JSON.stringify({ url: `https://evil.example/${POISON}` }) },
    { id: 'c1', name: POISON, arguments: '{}' },
    { id: 'c2', name: 'message_send', arguments: JSON.stringify({ to: POISON, text: 'x' }) },
    { id: 'c3', name: 'memory_write', arguments: JSON.stringify({ [POISON]: POISON }) },
  ]
  cara.upstream.script(chatReply({ calls }), chatReply({ text: ['Done.'] }))
  await cara.chat('hello')
  const { refusals } = whyResult.parse(await cara.client.call('why', {}))
  assert.ok(
    refusals.some(({ why }) => why.includes(POISON)),
    'it is kept where the owner looks',
  )
  await cara.stop()
  const log = cara.logged()
  assert.match(log, /guard\.decision.*toolCall.*destinationsKnown/)
  assert.doesNotMatch(log, /IGNORE-PREVIOUS/i)
})

test('K2 a host that a model chose is short in the log, and holds no known secret however it is spelled', async () => {
  const secret = 'Canary-of-a-host-name-55D1'
  await using cara = await configuredGateway({ approvals: { mode: 'shadow' }, secrets: { site: { value: secret, hosts: ['api.site.example'] } } })
  // A URL reads this one as two letters of ASCII, and all as small ones.
  const written = secret.replace('st', '\u{fb06}')
  const hosts = [`${written}.internal`, `${'b'.repeat(3000)}.internal`]
  const calls = hosts.map((host, index) => ({ id: `c${index}`, name: 'web_fetch', arguments: JSON.stringify({ url: `https://${host}/` }) }))
  cara.upstream.script(chatReply({ calls }), chatReply({ text: ['Done.'] }))
  await cara.chat('hello')
  await cara.stop()
  const whys = Array.from(cara.logged().matchAll(/"checkpoint":"egress".*"why":"(.*)"/g), ([, why]) => why)
  assert.deepEqual(whys, ['[secret].internal is not a public host name', `${'b'.repeat(300)}… [2735 more]`])
  assert.doesNotMatch(cara.logged(), /canary-of-a-host/i)
})

test('K2 no tool reads the log', async () => {
  await using cara = await configuredGateway((_upstream, folder) => ({ filesystem: { roots: [`${folder}/documents`] } }))
  cara.upstream.script({ status: 400, pieces: ['{}'] })
  await cara.chat('hello')
  const names = cara.sent(0).tools?.map(({ function: { name } }) => name) ?? []
  assert.ok(names.includes('file_read'), names.join(' '))
  assert.deepEqual(
    names.filter((name) => /log|audit/.test(name)),
    [],
  )
})
