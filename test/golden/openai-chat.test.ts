import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ModelEvent, ModelRequest } from '../../src/contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../src/contracts/usage.ts'
import { openAiChat } from '../../src/providers/wire/openai-chat/protocol.ts'
import { sseFramer } from '../../src/providers/wire/sse.ts'
import { cutEverywhere } from './cut-everywhere.ts'

const protocol = openAiChat({ tokenLimitField: 'max_tokens', cacheKey: false })
const question: ModelRequest = { model: 'm', system: '', messages: [], tools: [] }

function eventsOf(name: string): readonly ModelEvent[] {
  const bytes = readFileSync(new URL(`openai-chat/${name}.sse`, import.meta.url))
  return cutEverywhere({ framer: sseFramer, decoder: () => protocol.decoder(question), bytes })
}

function usage(more: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...more }
}

const text = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'text-delta', text }))
const reasoning = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'reasoning-delta', text }))
const pieces = (callId: string, ...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'tool-call-delta', callId, text }))

const expected: Readonly<Record<string, readonly ModelEvent[]>> = {
  text: [...text('Hello', ', ', 'world.'), { type: 'finish', reason: 'stop', usage: usage({ inputTokens: 1117, outputTokens: 46, cacheReadTokens: 1024 }) }],
  'two-tools': [
    { type: 'tool-call-start', callId: 'call_DdmO9pD3xa9XTPNJ32zg2hcA', tool: 'get_weather' },
    ...pieces('call_DdmO9pD3xa9XTPNJ32zg2hcA', '{"', 'city', '":"', 'Zür', 'ich"}'),
    { type: 'tool-call-start', callId: 'call_SNh2xZp5WgYq0Kj7Qy0wJ1aB', tool: 'get_time' },
    ...pieces('call_SNh2xZp5WgYq0Kj7Qy0wJ1aB', '{"zone":', '"Europe/Zurich"', '}'),
    { type: 'tool-call-end', callId: 'call_DdmO9pD3xa9XTPNJ32zg2hcA', tool: 'get_weather', input: { city: 'Zürich' } },
    { type: 'tool-call-end', callId: 'call_SNh2xZp5WgYq0Kj7Qy0wJ1aB', tool: 'get_time', input: { zone: 'Europe/Zurich' } },
    { type: 'finish', reason: 'tool-calls', usage: usage({ inputTokens: 310, outputTokens: 52 }) },
  ],
  reasoning: [
    ...reasoning('Let me', ' think.'),
    { type: 'reasoning-end' },
    ...text('Four', '.'),
    { type: 'finish', reason: 'stop', usage: usage({ inputTokens: 18, outputTokens: 34, cacheReadTokens: 16, reasoningTokens: 30 }) },
  ],
  ollama: [
    ...reasoning('Two', ' tools.'),
    { type: 'reasoning-end' },
    { type: 'tool-call-start', callId: 'call_8dpw0ehm', tool: 'get_time' },
    ...pieces('call_8dpw0ehm', '{}'),
    { type: 'tool-call-start', callId: 'call_q1zk0r7v', tool: 'math_eval' },
    ...pieces('call_q1zk0r7v', '{"expression":"2+2"}'),
    { type: 'tool-call-end', callId: 'call_8dpw0ehm', tool: 'get_time', input: {} },
    { type: 'tool-call-end', callId: 'call_q1zk0r7v', tool: 'math_eval', input: { expression: '2+2' } },
    { type: 'finish', reason: 'tool-calls', usage: usage({ inputTokens: 181, outputTokens: 40 }) },
  ],
  'no-ids': [
    { type: 'tool-call-start', callId: 'call_0', tool: 'first' },
    ...pieces('call_0', '{"a":1}'),
    { type: 'tool-call-start', callId: 'call_1', tool: 'second' },
    { type: 'tool-call-start', callId: 'call_2', tool: 'third' },
    ...pieces('call_2', '{"broken": '),
    { type: 'tool-call-end', callId: 'call_0', tool: 'first', input: { a: 1 } },
    { type: 'tool-call-end', callId: 'call_1', tool: 'second', input: {} },
    { type: 'tool-call-end', callId: 'call_2', tool: 'third', input: null, invalidInput: '{"broken": ' },
    { type: 'finish', reason: 'tool-calls', usage: NO_USAGE },
  ],
  error: [...text('Once upon'), { type: 'error', fault: { kind: 'network', message: 'The server had an error processing your request. Sorry about that!' } }],
  'vllm-too-long': [
    {
      type: 'error',
      fault: {
        kind: 'context-too-long',
        message:
          "This model's maximum context length is 2048 tokens. However, you requested 2100 tokens in the messages, Please reduce the length of the messages.",
      },
    },
  ],
  unicode: [...text('Grüße 👩‍👩‍👧 ', '漢字 \u2028 \uFEFF ', '𝄞 🦀 end'), { type: 'finish', reason: 'length', usage: usage({ inputTokens: 5, outputTokens: 9 }) }],
  refusal: [...text("I'm sorry, ", 'no.'), { type: 'finish', reason: 'refused', usage: usage({ inputTokens: 20, outputTokens: 8 }) }],
  'content-filter': [...text('It'), { type: 'finish', reason: 'refused', usage: usage({ inputTokens: 20, outputTokens: 1 }) }],
  cut: [...text('Half an ans'), { type: 'error', fault: { kind: 'network', message: 'the connection ended in the middle of the answer' } }],
  'not-json': [...text('ok'), { type: 'error', fault: { kind: 'network', message: 'the answer holds a chunk that is not JSON' } }],
}

for (const [name, events] of Object.entries(expected)) {
  test(`openai-chat/${name} means the same however it is cut`, () => assert.deepEqual(eventsOf(name), events))
}

test('an id that the conversation has used before is replaced', () => {
  const used = { type: 'tool-call', callId: 'call_8dpw0ehm', tool: 'get_time', input: {} } as const
  const decoder = protocol.decoder({ ...question, messages: [{ role: 'assistant', parts: [used] }] })
  const frames = sseFramer().push(readFileSync(new URL('openai-chat/ollama.sse', import.meta.url)))
  const ends = frames.flatMap((frame) => decoder.push(frame)).filter((event) => event.type === 'tool-call-end')
  assert.deepEqual(
    ends.map((event) => event.callId),
    ['call_1', 'call_q1zk0r7v'],
  )
})
