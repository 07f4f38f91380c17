import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, constantFrom, jsonValue, oneof, option, property, record, type Arbitrary } from 'fast-check'
import { AppError } from '../../contracts/errors.ts'
import type { InboundMessage } from '../../contracts/turn.ts'
import { readChatRequest } from './chat-request.ts'
import { readHeaders } from './parse.ts'
import { readResponsesRequest } from './responses-request.ts'

const NO_HEADERS = readHeaders({})

const value = jsonValue({ maxDepth: 2 })
const role = constantFrom('user', 'assistant', 'system', 'developer', 'tool', 'robot')
const part = record({
  type: constantFrom('text', 'text', 'input_text', 'image_url', 'input_image', 'refusal', 'file'),
  text: oneof(constantFrom('hi'), value),
  image_url: value,
})
const message = record({
  role,
  content: constantFrom<unknown>('hi', null, '').chain(() => value),
  tool_call_id: option(value),
  parts: array(part, { maxLength: 2 }),
})

/** Whatever comes: a message that intake can take, or a refusal that names a member. */
function holds(read: (body: unknown) => { readonly message: InboundMessage }, body: Arbitrary<unknown>): void {
  check(
    property(body, (candidate) => {
      try {
        const { message: inbound } = read(candidate)
        assert.equal(inbound.door, 'openai')
        assert.ok(inbound.parts.length > 0 || inbound.options.context?.at(-1)?.role === 'tool')
      } catch (error) {
        assert.ok(error instanceof AppError, String(error))
        assert.equal(error.code, 'request/invalid')
      }
    }),
    { numRuns: 500 },
  )
}

test('any body is read or refused, never a defect', () => {
  holds((body) => readChatRequest(body, NO_HEADERS), value)
  holds(
    (body) => readChatRequest(body, NO_HEADERS),
    record({ messages: array(message, { maxLength: 3 }), temperature: option(value), tools: option(value), stop: option(value) }),
  )
  holds((body) => readResponsesRequest(body, NO_HEADERS), value)
  holds((body) => readResponsesRequest(body, NO_HEADERS), record({ input: array(message, { maxLength: 3 }), text: option(value), reasoning: option(value) }))
})

test('unknown members are harmless, unknown values of known ones are not', () => {
  const messages = [{ role: 'user', content: 'hi', name: 'me' }]
  const read = readChatRequest({ messages, user: 'x', store: true, seed: 4, metadata: {}, future: [1] }, NO_HEADERS)
  assert.deepEqual(read.message.options, {})
  assert.throws(() => readChatRequest({ messages, stream: 'yes' }, NO_HEADERS), /stream/)
})

test('a model is an alias of the default, or a name', () => {
  const model = (name: unknown) => readChatRequest({ model: name, messages: [{ role: 'user', content: 'hi' }] }, NO_HEADERS).message.options.model
  for (const alias of ['carapace', 'default', '', null, undefined]) assert.equal(model(alias), undefined)
  assert.equal(model('openai:gpt-5.5'), 'openai:gpt-5.5')
  assert.equal(model('fast'), 'fast')
})

test('instructions that come last do not hide the question', () => {
  const { parts, options } = readChatRequest(
    {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'system', content: 'be brief' },
      ],
    },
    NO_HEADERS,
  ).message
  assert.equal(parts.length, 1)
  assert.equal(options.context?.[0]?.role, 'system')
})

test('arguments that are no JSON are kept as they were', () => {
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', tool_calls: [{ id: 'c', function: { name: 't', arguments: '{"a":' } }] },
    { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'x' }] },
  ]
  assert.deepEqual(readChatRequest({ messages }, NO_HEADERS).message.options.context?.[1]?.parts[0], {
    type: 'tool-call',
    callId: 'c',
    tool: 't',
    input: null,
    invalidInput: '{"a":',
  })
})

test('session keys and idempotency keys are plain', () => {
  const body = { input: 'hi' }
  assert.throws(() => readResponsesRequest(body, readHeaders({ 'x-carapace-session': 'a b' })), /x-carapace-session/)
  assert.throws(() => readResponsesRequest(body, readHeaders({ 'idempotency-key': '' })), /idempotency-key/)
  const { sessionKey, idempotencyKey } = readResponsesRequest(body, readHeaders({ 'x-carapace-session': 'a', 'idempotency-key': 'b' })).message
  assert.deepEqual([sessionKey, idempotencyKey], ['a', 'b'])
})
