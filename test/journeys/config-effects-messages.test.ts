/** Keys of `messages`: what the owner writes into the file is where messages go, and how. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { startWebhookServer } from '../doubles/webhook-server.ts'

const posted = async (more: Readonly<Record<string, string>> = {}) => {
  await using receiver = await startWebhookServer()
  const url = new URL('/in', receiver.url).href
  await using cara = await configuredGateway({ messages: { destinations: { mine: { url, ...more } } } })
  await cara.client.call('messages.test', { to: 'mine' })
  const [post] = receiver.posts
  return { path: post?.path, type: post?.headers['content-type'], body: post?.body, signature: post?.headers['webhook-signature'] }
}

describe('messages.destinations', () => {
  it('url says where, format how it is written, secret whether it is signed', async () => {
    assert.partialDeepStrictEqual(await posted(), { path: '/in', type: 'application/json', signature: undefined })
    assert.match(String((await posted({ secret: 'x' })).signature), /^v1,[\w+/]{43}=$/)
    assert.match(String((await posted({ format: 'text' })).body), /^This is a test message/)
    assert.match(String((await posted({ format: 'slack' })).body), /"unfurl_links":false/)
    assert.match(String((await posted({ format: 'discord' })).body), /^\{"content":"This is/)
  })

  it('kind is webhook, and nothing else is known', async () => {
    assert.match(String((await posted({ kind: 'webhook' })).body), /This is a test message/)
    await assert.rejects(posted({ kind: 'pigeon' }), /messages\.destinations\.mine\.kind/)
  })
})
