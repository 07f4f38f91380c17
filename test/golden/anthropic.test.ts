/** Bytes as https://platform.claude.com/docs/en/build-with-claude/streaming and …/extended-thinking show them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ModelEvent, ModelRequest } from '../../src/contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../src/contracts/usage.ts'
import { anthropicProtocol } from '../../src/providers/anthropic/provider.ts'
import { sseFramer } from '../../src/providers/wire/sse.ts'
import { cutEverywhere } from './cut-everywhere.ts'

const question: ModelRequest = { model: 'claude-sonnet-4-5', system: '', messages: [], tools: [] }

function eventsOf(name: string, request = question): readonly ModelEvent[] {
  const bytes = readFileSync(new URL(`anthropic/${name}.sse`, import.meta.url))
  return cutEverywhere({ framer: sseFramer, decoder: () => anthropicProtocol('anthropic').decoder(request), bytes })
}

const text = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'text-delta', text }))
const reasoning = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'reasoning-delta', text }))
const pieces = (callId: string, ...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'tool-call-delta', callId, text }))
const finish = (reason: Extract<ModelEvent, { type: 'finish' }>['reason'], usage: Partial<Usage>): ModelEvent => ({
  type: 'finish',
  reason,
  usage: { ...NO_USAGE, ...usage },
})

const weather = 'toolu_01T1x1fJ34qAmk2tNTrN7Up6'
const clock = 'toolu_01Q9v5Zb3wX7Lk2mNpRsTuVw'

const expected: Readonly<Record<string, readonly ModelEvent[]>> = {
  text: [...text('Hello', '!'), finish('stop', { inputTokens: 2066, outputTokens: 15, cacheReadTokens: 1806, cacheWriteTokens: 248 })],
  'two-tools': [
    ...text("Okay, let's check", ':'),
    { type: 'tool-call-start', callId: weather, tool: 'get_weather' },
    ...pieces(weather, '{"location":', ' "Zür', 'ich"}'),
    { type: 'tool-call-end', callId: weather, tool: 'get_weather', input: { location: 'Zürich' } },
    { type: 'tool-call-start', callId: clock, tool: 'current_time' },
    { type: 'tool-call-end', callId: clock, tool: 'current_time', input: {} },
    finish('tool-calls', { inputTokens: 472, outputTokens: 89 }),
  ],
  thinking: [
    ...reasoning('Let me solve this step by step:\n\n1. First', ' break down 27 * 453'),
    { type: 'reasoning-end', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
    { type: 'reasoning-end', signature: 'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4', redacted: true },
    ...text('27 * 453 = ', '12,231'),
    finish('stop', { inputTokens: 25, outputTokens: 210, reasoningTokens: 180 }),
  ],
  'thinking-omitted': [{ type: 'reasoning-end', signature: 'EosnCkYICxIMMb3LzNrMu' }, ...text('Four.'), finish('stop', { inputTokens: 25, outputTokens: 60 })],
  unicode: [...text('Grüße 👩‍👩‍👧 ', '漢字 \u2028 \uFEFF ', '𝄞 🦀 end'), finish('length', { inputTokens: 25, outputTokens: 9 })],
  overloaded: [...text('Once upon'), { type: 'error', fault: { kind: 'overloaded', message: 'Overloaded (overloaded_error)' } }],
  'rate-limit': [{ type: 'error', fault: { kind: 'rate-limit', message: 'This request would exceed your rate limit (rate_limit_error)' } }],
  refusal: [...text('I'), finish('refused', { inputTokens: 25, outputTokens: 3 })],
  paused: [...text('Searching'), finish('length', { inputTokens: 25, outputTokens: 3 })],
  'broken-arguments': [
    { type: 'tool-call-start', callId: 'toolu_01A', tool: 'memory_write' },
    ...pieces('toolu_01A', '{"key": "a", "val'),
    { type: 'tool-call-end', callId: 'toolu_01A', tool: 'memory_write', input: null, invalidInput: '{"key": "a", "val' },
    finish('length', { inputTokens: 25, outputTokens: 64 }),
  ],
  'whole-arguments': [
    { type: 'tool-call-start', callId: 'toolu_01B', tool: 'math_eval' },
    ...pieces('toolu_01B', '{"expression":"2+2"}'),
    { type: 'tool-call-end', callId: 'toolu_01B', tool: 'math_eval', input: { expression: '2+2' } },
    finish('tool-calls', { inputTokens: 25, outputTokens: 20 }),
  ],
  cut: [...text('Half an ans'), { type: 'error', fault: { kind: 'network', message: 'the answer was cut off' } }],
  'not-json': [{ type: 'error', fault: { kind: 'network', message: 'the stream holds an event that is not JSON' } }],
}

for (const [name, events] of Object.entries(expected)) {
  test(`anthropic/${name} means the same however it is cut`, () => assert.deepEqual(eventsOf(name), events))
}

test('an id that the conversation has used before is replaced', () => {
  const used = { type: 'tool-call', callId: weather, tool: 'get_weather', input: {} } as const
  const events = eventsOf('two-tools', { ...question, messages: [{ role: 'assistant', parts: [used] }] })
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'tool-call-end' ? [event.callId] : [])),
    ['call_1', clock],
  )
})
