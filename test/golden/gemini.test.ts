/** Bytes as https://ai.google.dev/api/generate-content and …/gemini-api/docs/thought-signatures show them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ModelEvent, ModelRequest } from '../../src/contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../src/contracts/usage.ts'
import { geminiProtocol } from '../../src/providers/gemini/provider.ts'
import { sseFramer } from '../../src/providers/wire/sse.ts'
import { cutEverywhere } from './cut-everywhere.ts'

const question: ModelRequest = { model: 'gemini-3.5-flash', system: '', messages: [], tools: [] }

function eventsOf(name: string, request = question): readonly ModelEvent[] {
  const bytes = readFileSync(new URL(`gemini/${name}.sse`, import.meta.url))
  return cutEverywhere({ framer: sseFramer, decoder: () => geminiProtocol().decoder(request), bytes })
}

const text = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'text-delta', text }))
const reasoning = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'reasoning-delta', text }))
const pieces = (callId: string, ...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'tool-call-delta', callId, text }))
const finish = (reason: Extract<ModelEvent, { type: 'finish' }>['reason'], usage: Partial<Usage>): ModelEvent => ({
  type: 'finish',
  reason,
  usage: { ...NO_USAGE, ...usage },
})

const expected: Readonly<Record<string, readonly ModelEvent[]>> = {
  text: [...text('Hello', ', world', '.'), finish('stop', { inputTokens: 1204, outputTokens: 4, cacheReadTokens: 1024 })],
  'two-tools': [
    { type: 'tool-call-start', callId: 'k3j9x2', tool: 'get_weather' },
    ...pieces('k3j9x2', '{"location":"Zürich","days":2}'),
    { type: 'tool-call-end', callId: 'k3j9x2', tool: 'get_weather', input: { location: 'Zürich', days: 2 }, signature: 'EpEgCo4gAb4+9vvWwdN+NkNiCCwr' },
    { type: 'tool-call-start', callId: 'gemini_1', tool: 'current_time' },
    ...pieces('gemini_1', '{}'),
    { type: 'tool-call-end', callId: 'gemini_1', tool: 'current_time', input: {} },
    finish('tool-calls', { inputTokens: 29, outputTokens: 819, reasoningTokens: 804 }),
  ],
  thinking: [
    ...reasoning('**Counting**\n\nLet me', ' count.'),
    { type: 'reasoning-end' },
    ...text('There are ', 'three.'),
    finish('stop', { inputTokens: 20, outputTokens: 66, reasoningTokens: 60 }),
  ],
  unicode: [...text('Grüße 👩‍👩‍👧 ', '漢字 \u2028 \uFEFF ', '𝄞 🦀 end'), finish('length', { inputTokens: 5, outputTokens: 9 })],
  safety: [...text('It'), finish('refused', { inputTokens: 8, outputTokens: 1 })],
  'prompt-blocked': [finish('refused', { inputTokens: 11 })],
  'malformed-call': [{ type: 'error', fault: { kind: 'network', message: 'the model wrote a call that cannot be read (MALFORMED_FUNCTION_CALL)' } }],
  error: [...text('Once upon'), { type: 'error', fault: { kind: 'overloaded', message: 'The model is overloaded. Please try again later.' } }],
  'late-usage': [...text('Hi'), finish('stop', { inputTokens: 3, outputTokens: 1 })],
  cut: [...text('Half an ans'), { type: 'error', fault: { kind: 'network', message: 'the answer was cut off' } }],
  'not-json': [{ type: 'error', fault: { kind: 'network', message: 'the stream holds an event that is not JSON' } }],
}

for (const [name, events] of Object.entries(expected)) {
  test(`gemini/${name} means the same however it is cut`, () => assert.deepEqual(eventsOf(name), events))
}

test('a signature of more than 64 KiB is not kept', () => {
  const answer = { candidates: [{ content: { parts: [{ functionCall: { name: 'x', args: {} }, thoughtSignature: 'a'.repeat(65_537) }] } }] }
  const events = geminiProtocol()
    .decoder(question)
    .push({ event: '', data: JSON.stringify(answer) })
  assert.deepEqual(events.at(-1), { type: 'tool-call-end', callId: 'gemini_0', tool: 'x', input: {} })
})
