/** L4: one conversation knows nothing of another, however its key is written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'

const SECRET = 'the pin is 4711-0815'

async function withConversation(use: (cara: Awaited<ReturnType<typeof testGateway>>, requests: () => string) => Promise<void>): Promise<void> {
  const provider = scriptedProvider('fake', () => says('fine'))
  const cara = await testGateway({ providers: [provider] })
  try {
    await cara.ask(SECRET, { sessionKey: 'main' })
    await use(cara, () => JSON.stringify(provider.requests.slice(1)))
  } finally {
    await cara.close()
  }
}

test('L4 no other conversation and no request without one is told what was said', async () => {
  await withConversation(async (cara, requests) => {
    const keys = ['other', 'main ', 'MAIN', 'main\u200b', 'mаin', 'main/../main', 'main%00', 'mai', 'main2', 'agent:main', "main' OR '1'='1"]
    for (const sessionKey of [...keys, null]) await cara.ask('What is the pin?', { sessionKey })
    assert.doesNotMatch(requests(), /4711/)
    await cara.ask('What is the pin?', { sessionKey: 'main' })
    assert.match(requests(), /4711/, 'its own conversation is')
  })
})

test('L4 the same idempotency key in another conversation brings back no answer of the first', async () => {
  const provider = scriptedProvider('fake', (_request, index) => says(`answer ${index}`))
  const cara = await testGateway({ providers: [provider] })
  try {
    const first = await cara.ask('one', { sessionKey: 'a', idempotencyKey: 'same' })
    const second = await cara.ask('two', { sessionKey: 'b', idempotencyKey: 'same' })
    assert.deepEqual([first.result.sessionKey, second.result.sessionKey], ['a', 'b'])
    assert.notEqual(first.result.text, second.result.text)
  } finally {
    await cara.close()
  }
})

test('L4 what is forgotten or deleted in one conversation comes back in none', async () => {
  await withConversation(async (cara, requests) => {
    await cara.gateway.store.sessions.reset('main', 1)
    await cara.ask('What is the pin?', { sessionKey: 'main' })
    await cara.gateway.store.sessions.delete('main')
    await cara.ask('What is the pin?', { sessionKey: 'main' })
    assert.doesNotMatch(requests(), /4711/)
  })
})

test('L4 what was read in one conversation taints another only if it reads it there', async () => {
  await withConversation(async (cara) => {
    const peer = { kind: 'peer', channel: 'chat', id: 'eve' } as const
    const part = { type: 'text', text: 'hi', origin: { author: peer, trust: 'untrusted', private: true } } as const
    await cara.ask('hi', { sessionKey: 'peer', sender: peer, parts: [part] })
    const [main, other] = await Promise.all([cara.gateway.store.sessions.find('main'), cara.gateway.store.sessions.find('peer')])
    assert.deepEqual([main?.taint.untrusted, other?.taint.untrusted], [false, true])
  })
})
