/** Events as https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html names them, padding (`p`) included. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import type { ModelEvent, ModelRequest } from '../../src/contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../src/contracts/usage.ts'
import { bedrockProtocol } from '../../src/providers/bedrock/provider.ts'
import { eventStreamFramer } from '../../src/providers/wire/event-stream.ts'
import { frameOf, framesOf } from './bedrock-frames.ts'
import { cutEverywhere } from './cut-everywhere.ts'

const question: ModelRequest = { model: 'eu.anthropic.claude-sonnet-4-6', system: '', messages: [], tools: [] }
const decoder = () => bedrockProtocol('bedrock', true).decoder(question)

const text = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'text-delta', text }))
const reasoning = (...texts: readonly string[]): ModelEvent[] => texts.map((text) => ({ type: 'reasoning-delta', text }))
const piece = (callId: string, text: string): ModelEvent => ({ type: 'tool-call-delta', callId, text })
const start = (callId: string, tool: string): ModelEvent => ({ type: 'tool-call-start', callId, tool })
const error = (kind: Extract<ModelEvent, { type: 'error' }>['fault']['kind'], message: string): ModelEvent => ({ type: 'error', fault: { kind, message } })
const finish = (reason: Extract<ModelEvent, { type: 'finish' }>['reason'], usage: Partial<Usage>): ModelEvent => ({
  type: 'finish',
  reason,
  usage: { ...NO_USAGE, ...usage },
})

const expected: Readonly<Record<string, readonly ModelEvent[]>> = {
  text: [...text('Hello', ', world'), finish('stop', { inputTokens: 2067, outputTokens: 5, cacheReadTokens: 1806, cacheWriteTokens: 248 })],
  'two-tools': [
    ...text('Let me check.'),
    start('tooluse_GkZ3pQ', 'get_weather'),
    piece('tooluse_GkZ3pQ', '{"location": "Zür'),
    start('tooluse_9vWbXa', 'current_time'),
    piece('tooluse_9vWbXa', '{}'),
    piece('tooluse_GkZ3pQ', 'ich"}'),
    { type: 'tool-call-end', callId: 'tooluse_GkZ3pQ', tool: 'get_weather', input: { location: 'Zürich' } },
    { type: 'tool-call-end', callId: 'tooluse_9vWbXa', tool: 'current_time', input: {} },
    finish('tool-calls', { inputTokens: 402, outputTokens: 88 }),
  ],
  reasoning: [
    ...reasoning('Let me count', ' the letters.'),
    { type: 'reasoning-end', signature: 'Ep0CCkgICxABGAIqQOWPB6/PmA5SW9jC' },
    { type: 'reasoning-end', signature: 'cnNuX3BVUGgxNnRvNFZLWURn', redacted: true },
    ...text('Three.'),
    finish('stop', { inputTokens: 51, outputTokens: 94 }),
  ],
  'usage-first': [
    start('tooluse_a', 'math_eval'),
    piece('tooluse_a', '{"expression":"2+2"}'),
    { type: 'tool-call-end', callId: 'tooluse_a', tool: 'math_eval', input: { expression: '2+2' } },
    finish('tool-calls', { inputTokens: 125, outputTokens: 45 }),
  ],
  unicode: [...text('Grüße 👩‍👩‍👧 ', '漢字 \u2028 \uFEFF ', '𝄞 🦀 end'), finish('length', { inputTokens: 5, outputTokens: 9 })],
  guardrail: [...text('Sorry.'), finish('refused', { inputTokens: 20, outputTokens: 3 })],
  throttled: [...text('Once upon'), error('rate-limit', 'Too many requests, please wait before trying again. (throttlingException)')],
  'stream-error': [error('network', 'Model Stream Error (modelStreamErrorException)')],
  validation: [error('context-too-long', 'The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum (validationException)')],
  unavailable: [error('overloaded', 'Bedrock is unable to process your request. (serviceUnavailableException)')],
  internal: [error('network', 'The system encountered an unexpected error. (internalServerException)')],
  unmodeled: [error('network', 'The request failed. (InternalFailure)')],
  malformed: [
    start('tooluse_a', 'x'),
    { type: 'tool-call-end', callId: 'tooluse_a', tool: 'x', input: {} },
    error('network', 'the model wrote an answer that cannot be read (malformed_tool_use)'),
  ],
  cut: [...text('Half an ans'), error('network', 'the answer was cut off')],
}

for (const [name, events] of Object.entries(expected)) {
  test(`bedrock/${name} means the same however it is cut`, () => {
    assert.deepEqual(cutEverywhere({ framer: eventStreamFramer, decoder, bytes: framesOf(name) }), events)
  })
}

const isCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

test('a flipped bit anywhere in a frame is noticed, or the frame is never complete', () => {
  const frame = frameOf({ event: 'messageStop', data: { stopReason: 'end_turn' } })
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const damaged = Uint8Array.from(frame)
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    let frames: readonly unknown[] = []
    try {
      frames = eventStreamFramer().push(damaged)
    } catch (error) {
      assert.ok(error instanceof AppError, `bit ${bit}`)
    }
    assert.equal(frames.length, 0, `bit ${bit}`)
  }
})

test('a length that no frame has is refused before anything is kept', () => {
  assert.throws(() => eventStreamFramer().push(Uint8Array.of(0, 0x10, 0, 1)), isCode('net/too-large'))
  assert.throws(() => eventStreamFramer().push(Uint8Array.of(0, 0, 0, 15)), isCode('provider/unreachable'))
  assert.deepEqual(eventStreamFramer().push(Uint8Array.of(0, 0x10, 0, 0)), [])
})

test('answers that open blocks without end are refused', () => {
  const reader = decoder()
  const open = (index: number) =>
    reader.push({ event: 'contentBlockStart', data: JSON.stringify({ contentBlockIndex: index, start: { toolUse: { toolUseId: `t${index}`, name: 'x' } } }) })
  for (let index = 0; index < 1024; index++) open(index)
  assert.throws(() => open(1024), isCode('net/too-large'))
})
