import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../contracts/destination.ts'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import { guardMessages } from './guarded-messages.ts'

function setUp(names: readonly string[] = ['chat', 'pager'], redact?: () => never) {
  const delivered: unknown[] = []
  const destinations = names.map((name): Destination => ({
    name,
    kind: 'webhook',
    format: 'text',
    host: 'a.example',
    signed: false,
    keyed: false,
    maxText: 10,
    deliver: async (message, key) => void delivered.push([name, message.text, key]),
  }))
  const secrets = createSecretRegistry()
  secrets.add('hunter22')
  const messages = guardMessages(destinations, redact === undefined ? secrets : { ...secrets, redact, list: redact, findSplit: redact }, [], () => undefined)
  const send = (to: string, text: string, signal = new AbortController().signal) => messages.send({ to, text, key: 'k1' }, signal)
  return { delivered, messages, send }
}

test('a message reaches the destination that it names, under its key and without secrets', async () => {
  const { delivered, send, messages } = setUp()
  await send('pager', 'hunter22')
  assert.deepEqual(delivered, [['pager', '[secret]', 'k1']])
  assert.deepEqual(
    messages.destinations.map((one) => Object.keys(one)),
    Array.from({ length: 2 }, () => ['name', 'kind', 'format', 'host', 'signed', 'keyed']),
  )
})

test('a name that is not known is told which are, or where they are configured', async () => {
  const { delivered, send } = setUp()
  await assert.rejects(send('other', 'x'), { code: 'message/unknown-destination', hint: 'Known: chat, pager' })
  await assert.rejects(setUp([]).send('other', 'x'), { code: 'message/unknown-destination', hint: 'None is configured (messages.destinations)' })
  assert.deepEqual(delivered, [])
})

test('what is longer than its destination takes is not sent', async () => {
  const { delivered, send } = setUp()
  await send('chat', 'x'.repeat(10))
  await assert.rejects(send('chat', 'x'.repeat(11)), { code: 'message/too-long', message: /11 characters/, hint: 'chat takes 10' })
  assert.equal(delivered.length, 1)
})

test('a check that fails sends nothing, and says so', async () => {
  const { delivered, send } = setUp(undefined, () => {
    throw new Error('broken')
  })
  await assert.rejects(send('chat', 'x'), { name: 'AppError', code: 'guard/blocked' })
  assert.deepEqual(delivered, [])
})

test('after an abort nothing is sent', async () => {
  const { delivered, send } = setUp()
  const reason = new Error('enough')
  await assert.rejects(send('chat', 'x', AbortSignal.abort(reason)), reason)
  assert.deepEqual(delivered, [])
})
