import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EgressRequest, EgressResponse } from '../../contracts/egress.ts'
import { Secret } from '../../contracts/secret.ts'
import { defineProvider, type OutgoingRequest, type ProviderSpec } from './define-provider.ts'
import { readArguments } from './tool-arguments.ts'
import { appendMerged } from './merge-deltas.ts'
import type { ModelEvent } from '../../contracts/provider.ts'
import { openAiChat } from './openai-chat/protocol.ts'
import { sseFraming } from './sse.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function define(more: Partial<ProviderSpec>, answer: () => EgressResponse = () => ({ status: 401, headers: {}, body: bytes() })) {
  const sent: EgressRequest[] = []
  const spec: ProviderSpec = {
    id: 'x',
    traits: { images: false, tools: false, demo: false },
    protocol: { ...openAiChat({ tokenLimitField: 'max_tokens', cacheKey: false }), path: () => '/chat?alt=sse' },
    framing: sseFraming,
    baseUrl: new URL('https://example.com/base/'),
    secrets: [new Secret('hunter2hunter2')],
    authorize: () => ({ 'x-key': 'hunter2hunter2' }),
    models: { path: '/models', read: () => [] },
    ...more,
  }
  const fetch = async (request: EgressRequest): Promise<EgressResponse> => {
    sent.push(request)
    return answer()
  }
  return { sent, provider: defineProvider(spec, { fetch, log: silent, now: () => 0 }) }
}

async function* bytes(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

test('whoever signs sees the request as it leaves: final address, headers and body', async (t) => {
  const signed: OutgoingRequest[] = []
  const { sent, provider } = define({
    extraHeaders: { 'x-version': '1' },
    authorize: async (request) => {
      signed.push(request)
      return { 'x-signature': 'abc' }
    },
  })
  await provider.listModels(t.signal).catch(() => undefined)
  const [request] = sent
  assert.equal(request?.url.href, 'https://example.com/base/models')
  assert.deepEqual(request?.headers, { 'x-version': '1', accept: 'application/json', 'x-signature': 'abc' })
  assert.deepEqual(request?.policy, { origins: ['https://example.com'] })
  assert.deepEqual(signed, [{ method: 'GET', url: request?.url, headers: { 'x-version': '1', accept: 'application/json' }, body: '' }])
})

test('a listing may live elsewhere, and only that place may then be reached', async (t) => {
  const answer = () => ({ status: 200, headers: {}, body: bytes('{}') })
  const { sent, provider } = define({ models: { baseUrl: new URL('https://control.example.com'), path: '/list?max=5', read: () => [{ id: 'm' }] } }, answer)
  assert.deepEqual(await provider.listModels(t.signal), [{ id: 'm' }])
  assert.equal(sent[0]?.url.href, 'https://control.example.com/list?max=5')
  assert.deepEqual(sent[0]?.policy, { origins: ['https://control.example.com'] })
})

test('a defect on the way tells nothing of itself', async (t) => {
  const { provider } = define({
    authorize: () => {
      throw new TypeError('hunter2hunter2 is not a function')
    },
  })
  await assert.rejects(provider.listModels(t.signal), /^AppError: The model server cannot be reached: the exchange with the model server failed$/)
})

test('pieces of one text that arrive together are one event; others are not touched', () => {
  const call = (callId: string, text: string): ModelEvent => ({ type: 'tool-call-delta', callId, text })
  const text = (text: string): ModelEvent => ({ type: 'text-delta', text })
  const reasoning = (text: string): ModelEvent => ({ type: 'reasoning-delta', text })
  const events: ModelEvent[] = []
  for (const event of [text('a'), text('b'), reasoning('c'), reasoning('d'), text('e'), call('1', 'f'), call('1', 'g'), call('2', 'h')])
    appendMerged(events, event)
  assert.deepEqual(events, [text('ab'), reasoning('cd'), text('e'), call('1', 'fg'), call('2', 'h')])
})

test('arguments are JSON, nothing at all, or kept as they are', () => {
  assert.deepEqual(readArguments(' '), { input: {} })
  assert.deepEqual(readArguments('[1]'), { input: [1] })
  assert.deepEqual(readArguments('null'), { input: null })
  assert.deepEqual(readArguments('{"a"'), { input: null, invalidInput: '{"a"' })
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)
  assert.deepEqual(readArguments(deep), { input: null, invalidInput: deep })
})
