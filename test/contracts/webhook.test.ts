import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { webhookSignature } from '../../src/channels/sign-webhook.ts'
import { createWebhook, type WebhookConfig } from '../../src/channels/webhook.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { createTransport } from '../../src/net/transport.ts'
import { cleared } from '../doubles/cleared.ts'
import { manualClock } from '../doubles/manual-clock.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { startWebhookServer, type WebhookAnswer } from '../doubles/webhook-server.ts'

async function receiver(answers: readonly (WebhookAnswer | 'drop')[] = [], config: Partial<Omit<WebhookConfig, 'url'>> = {}) {
  const server = await startWebhookServer(answers)
  const transport = createTransport()
  const clock = manualClock()
  const { log, lines } = recordedLog()
  const url = new Secret(new URL('/hook/canary-path?key=canary-key', server.url).href)
  const webhook = createWebhook('mine', { url, format: 'json', ...config }, { fetch: createGuardedFetch(transport, () => undefined), clock, log })
  return {
    server,
    clock,
    lines,
    webhook,
    send: (text: string, key = 'key-1', signal = AbortSignal.timeout(10_000)) => webhook.deliver(cleared({ text }), key, signal),
    async [Symbol.asyncDispose]() {
      await transport.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('a message is signed as Standard Webhooks wants it', async () => {
  // The example of the specification’s reference libraries.
  const vector = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', seconds: 1_614_265_330, body: '{"test": 2432232314}', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }
  assert.equal(webhookSignature(vector), 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  await using mine = await receiver([], { secret: new Secret('a plain secret') })
  await mine.send('Grüße')
  const [post] = mine.server.posts
  assert.equal(post?.path, '/hook/canary-path?key=canary-key')
  assert.equal(post?.body, '{"type":"message","id":"key-1","text":"Grüße"}')
  assert.deepEqual([post?.headers['webhook-id'], post?.headers['idempotency-key'], post?.headers['webhook-timestamp']], ['key-1', 'key-1', '1700000000'])
  const expected = createHmac('sha256', 'a plain secret').update(`key-1.1700000000.${post?.body}`).digest('base64')
  assert.equal(post?.headers['webhook-signature'], `v1,${expected}`)
  assert.equal(mine.webhook.signed, true)
})

test('without a secret nothing is signed, and the key is told all the same', async () => {
  await using mine = await receiver([], { format: 'text' })
  await mine.send('hello')
  const [post] = mine.server.posts
  assert.deepEqual([post?.body, post?.headers['content-type'], post?.headers['idempotency-key']], ['hello', 'text/plain; charset=utf-8', 'key-1'])
  assert.equal(post?.headers['webhook-signature'], undefined)
})

test('Slack and Discord get their own forms, in which nobody is called and no link is opened', async () => {
  await using slack = await receiver([], { format: 'slack' })
  await slack.send('<!channel> & <https://evil.example|here>')
  assert.deepEqual(JSON.parse(slack.server.posts[0]?.body ?? ''), {
    text: '&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;',
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
  })
  await using discord = await receiver([], { format: 'discord' })
  await discord.send('@everyone')
  assert.deepEqual(JSON.parse(discord.server.posts[0]?.body ?? ''), { content: '@everyone', allowed_mentions: { parse: [] }, flags: 4 })
  assert.equal(discord.webhook.maxText, 2000)
})

test('what may pass later is tried again under the same key, as late as the receiver asks', async () => {
  await using mine = await receiver([{ status: 429, headers: { 'retry-after': '7' } }, { status: 503 }, 'drop'])
  await mine.send('hello')
  assert.equal(mine.server.posts.length, 4)
  assert.deepEqual(new Set(mine.server.posts.map(({ headers }) => headers['idempotency-key'])), new Set(['key-1']))
  assert.equal(mine.clock.slept[0], 7000)
  await using always = await receiver([{ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 }])
  await assert.rejects(always.send('hello'), { code: 'message/undelivered', message: /the server failed/ })
  assert.equal(always.server.posts.length, 4)
  await using patient = await receiver([{ status: 429, headers: { 'retry-after': '3600' } }])
  await assert.rejects(patient.send('hello'), { code: 'message/undelivered', message: /limits our rate/ })
  assert.equal(patient.server.posts.length, 1)
})

test('what will not pass is not tried again, and nothing goes to where a receiver redirects', async () => {
  await using elsewhere = await startWebhookServer()
  await using mine = await receiver([{ status: 404 }, { status: 307, headers: { location: new URL('/stolen', elsewhere.url).href } }])
  await assert.rejects(mine.send('hello'), { code: 'message/undelivered', message: /refused it/ })
  await assert.rejects(mine.send('hello'), { code: 'message/undelivered', message: /elsewhere/ })
  assert.equal(mine.server.posts.length, 2)
  assert.equal(elsewhere.posts.length, 0)
})

test('a receiver that cannot tell a repeat from a new message is sent none when it did not answer', async () => {
  await using slack = await receiver(['drop'], { format: 'slack' })
  await assert.rejects(slack.send('hello'), { code: 'message/undelivered', message: /did not answer/ })
  assert.equal(slack.server.posts.length, 1)
})

test('a failure tells nothing of the answer and nothing of the address', async () => {
  await using mine = await receiver([{ status: 400, headers: { 'x-canary': 'canary-header' }, body: 'canary-answer' }])
  await assert.rejects(mine.send('hello'), (error: Error) => !/canary|400/.test(`${error.message} ${Object(error).hint}`))
  assert.doesNotMatch(mine.lines.join('\n'), /canary/)
  assert.match(mine.lines.join('\n'), /400/)
})

test('an abort ends it', async () => {
  await using mine = await receiver()
  await assert.rejects(mine.send('hello', 'k', AbortSignal.abort(new Error('enough'))), /enough/)
  assert.equal(mine.server.posts.length, 0)
})
