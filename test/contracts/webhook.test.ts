import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { webhookSignature } from '../../src/channels/sign-webhook.ts'
import { createWebhook, type WebhookConfig } from '../../src/channels/webhook.ts'
import type { Label } from '../../src/contracts/destination.ts'
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
    send: (text: string, more: Partial<Label> = {}, signal = AbortSignal.timeout(10_000)) =>
      webhook.deliver(cleared({ text }), { key: 'key-1', part: 1, parts: 1, mayRepeat: false, ...more }, signal),
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
  assert.deepEqual(discord.webhook.traits, { maxText: 1980, unit: 'utf-16', markup: 'markdown' })
})

test('an answer says whether it was taken, will never be, may be later, or nobody knows', async () => {
  const statuses = [200, 204, 429, 503, 425, 500, 502, 504, 408, 400, 401, 404, 410, 301, 307]
  await using mine = await receiver(statuses.map((status) => ({ status })))
  const kinds: string[] = []
  for (const _ of statuses) kinds.push((await mine.send('hello')).kind)
  const expected = ['taken', 'taken', 'later', 'later', 'later', 'unknown', 'unknown', 'unknown', 'unknown', ...Array.from({ length: 6 }, () => 'refused')]
  assert.deepEqual(kinds, expected)
  assert.equal(mine.server.posts.length, statuses.length, 'once for each')
  await using asking = await receiver([{ status: 429, headers: { 'retry-after': '7' } }, { status: 500, headers: { 'retry-after': '8' } }, 'drop'])
  assert.deepEqual(await asking.send('hello'), { kind: 'later', why: 'the server limits our rate', waitMs: 7000 })
  assert.deepEqual(await asking.send('hello'), { kind: 'unknown', why: 'the server failed', waitMs: 8000 })
  assert.deepEqual(await asking.send('hello'), { kind: 'unknown', why: 'the server did not answer' })
  await asking.server[Symbol.asyncDispose]()
  assert.deepEqual(await asking.send('hello'), { kind: 'later', why: 'the server cannot be reached' }, 'nothing listens: it did not arrive')
})

test('nothing goes to where a receiver redirects', async () => {
  await using elsewhere = await startWebhookServer()
  await using mine = await receiver([{ status: 307, headers: { location: new URL('/stolen', elsewhere.url).href } }])
  assert.deepEqual(await mine.send('hello'), { kind: 'refused', why: 'the server wants it sent elsewhere' })
  assert.equal(mine.server.posts.length, 1)
  assert.equal(elsewhere.posts.length, 0)
})

test('people are told of a possible repeat where the receiver knows no keys, and a program of the parts', async () => {
  await using discord = await receiver([], { format: 'discord' })
  await discord.send('```js\n```', { mayRepeat: true })
  assert.equal(JSON.parse(discord.server.posts[0]?.body ?? '').content, '(possibly a repeat)\n```js\n```')
  await using slack = await receiver([], { format: 'slack' })
  await slack.send('a < b', { mayRepeat: true })
  assert.equal(JSON.parse(slack.server.posts[0]?.body ?? '').text, '(possibly a repeat)\na &lt; b')
  await using json = await receiver()
  await json.send('hello', { mayRepeat: true, part: 2, parts: 3, key: 'key-1-2' })
  assert.deepEqual(JSON.parse(json.server.posts[0]?.body ?? ''), { type: 'message', id: 'key-1-2', text: 'hello', part: 2, parts: 3 })
  await using text = await receiver([], { format: 'text' })
  await text.send('hello', { mayRepeat: true })
  assert.equal(text.server.posts[0]?.body, 'hello')
})

test('a failure tells nothing of the answer and nothing of the address', async () => {
  await using mine = await receiver([{ status: 400, headers: { 'x-canary': 'canary-header' }, body: 'canary-answer' }])
  assert.deepEqual(await mine.send('hello'), { kind: 'refused', why: 'the server refused it' })
  assert.doesNotMatch(mine.lines.join('\n'), /canary/)
  assert.match(mine.lines.join('\n'), /400/)
})

test('an abort ends it', async () => {
  await using mine = await receiver()
  await assert.rejects(mine.send('hello', {}, AbortSignal.abort(new Error('enough'))), /enough/)
  assert.equal(mine.server.posts.length, 0)
})
