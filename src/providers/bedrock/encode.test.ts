import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../contracts/message.ts'
import { OWNER, type Origin } from '../../contracts/origin.ts'
import type { ModelRequest } from '../../contracts/provider.ts'
import { encodeRequest } from './encode.ts'

const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
const CACHE_POINT = { cachePoint: { type: 'default' } }
const web: Origin = { author: { kind: 'web', host: 'example.org' }, trust: 'untrusted', private: false }
const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, origin: OWNER }] })
const plain = (more: Partial<ModelRequest>): ModelRequest => ({ model: CLAUDE, system: '', messages: [user('Hi')], tools: [], ...more })
const encode = (more: Partial<ModelRequest>, promptCaching = true) => encodeRequest(plain(more), { author: `bedrock:${more.model ?? CLAUDE}`, promptCaching })
const weather = {
  name: 'get_weather',
  description: 'Weather of a place',
  parameters: { type: 'object', properties: { place: { type: 'string', minLength: 1 } } },
}
const weatherSpec = { toolSpec: { name: 'get_weather', description: 'Weather of a place', inputSchema: { json: weather.parameters } } }

const conversation: readonly Message[] = [
  {
    role: 'user',
    parts: [
      { type: 'text', text: 'What is this?', origin: OWNER },
      { type: 'image', mediaType: 'image/jpg', data: '/9j/4AAQ', origin: OWNER },
    ],
  },
  {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'It is Zürich.', signature: 'EqQB', model: `bedrock:${CLAUDE}` },
      { type: 'reasoning', text: '', signature: 'cnNu', redacted: true, model: `bedrock:${CLAUDE}` },
      { type: 'reasoning', text: 'Not mine.', signature: 'xyz', model: 'anthropic:claude-sonnet-4-5' },
      { type: 'tool-call', callId: 'tooluse_1', tool: 'get_weather', input: { place: 'Zürich' } },
      { type: 'tool-call', callId: `call.${'x'.repeat(80)}`, tool: 'old_tool', input: null, invalidInput: '{"a"' },
    ],
  },
  {
    role: 'tool',
    parts: [
      { type: 'tool-result', callId: 'tooluse_1', tool: 'get_weather', output: '7 °C', isError: false, origin: web },
      { type: 'tool-result', callId: `call.${'x'.repeat(80)}`, tool: 'old_tool', output: '', isError: true, origin: web },
    ],
  },
  user('And tomorrow?'),
]

test('a whole conversation with tools, an image and reasoning', () => {
  const request = {
    system: 'You are cara.',
    messages: conversation,
    tools: [weather],
    maxOutputTokens: 4096,
    stop: ['END'],
    temperature: 0.2,
    reasoningEffort: 'low',
  } as const
  assert.deepEqual(encode(request), {
    messages: [
      { role: 'user', content: [{ text: 'What is this?' }, { image: { format: 'jpeg', source: { bytes: '/9j/4AAQ' } } }] },
      {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'It is Zürich.', signature: 'EqQB' } } },
          { reasoningContent: { redactedContent: 'cnNu' } },
          { toolUse: { toolUseId: 'tooluse_1', name: 'get_weather', input: { place: 'Zürich' } } },
          { toolUse: { toolUseId: `call_${'x'.repeat(59)}`, name: 'old_tool', input: {} } },
        ],
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'tooluse_1', content: [{ text: '7 °C' }], status: 'success' } },
          { toolResult: { toolUseId: `call_${'x'.repeat(59)}`, content: [{ text: '(no output)' }], status: 'error' } },
          { text: 'And tomorrow?' },
          CACHE_POINT,
        ],
      },
    ],
    system: [{ text: 'You are cara.' }, CACHE_POINT],
    inferenceConfig: { maxTokens: 4096, stopSequences: ['END'] },
    toolConfig: {
      tools: [
        weatherSpec,
        { toolSpec: { name: 'old_tool', description: 'Used earlier; not available any more.', inputSchema: { json: { type: 'object' } } } },
        CACHE_POINT,
      ],
    },
    additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2048 } },
  })
})

test('nothing is sent that was not asked for, and no cache point where it is switched off or not known to be taken', () => {
  const hi = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }
  assert.deepEqual(encode({}, false), hi)
  assert.deepEqual(encode({ model: 'mistral.mistral-large-2407-v1:0' }), hi)
  assert.deepEqual(encode({ model: 'arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc' }), hi)
})

test('Nova takes cache points in messages, not behind tools', () => {
  const body = encode({ model: 'eu.amazon.nova-pro-v1:0', system: 's', tools: [weather] })
  assert.deepEqual(body['system'], [{ text: 's' }, CACHE_POINT])
  assert.deepEqual(body['toolConfig'], { tools: [weatherSpec] })
})

test('models that know no status of results get told in words', () => {
  const body = JSON.stringify(encode({ model: 'meta.llama3-3-70b-instruct-v1:0', messages: conversation }))
  assert.match(body, /"text":"Error: \(no output\)"/)
  assert.doesNotMatch(body, /"status"/)
})

test('how models are told to think', () => {
  const thinking = (model: string, reasoningEffort: 'low' | 'high') => {
    const { additionalModelRequestFields, inferenceConfig } = encode({ model, reasoningEffort, temperature: 0.5, maxOutputTokens: 20_000 })
    return [additionalModelRequestFields, inferenceConfig]
  }
  assert.deepEqual(thinking(CLAUDE, 'high'), [{ thinking: { type: 'enabled', budget_tokens: 16_384 } }, { maxTokens: 20_000 }])
  const adaptive = { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } }
  assert.deepEqual(thinking('us.anthropic.claude-opus-4-7', 'high'), [adaptive, { maxTokens: 20_000 }])
  const nova = (level: string) => ({ reasoningConfig: { type: 'enabled', maxReasoningEffort: level } })
  assert.deepEqual(thinking('us.amazon.nova-2-lite-v1:0', 'low'), [nova('low'), { maxTokens: 20_000, temperature: 0.5 }])
  assert.deepEqual(thinking('us.amazon.nova-2-lite-v1:0', 'high'), [nova('high'), undefined])
  assert.deepEqual(thinking('openai.gpt-oss-120b-1:0', 'low'), [{ reasoning_effort: 'low' }, { maxTokens: 20_000, temperature: 0.5 }])
  assert.deepEqual(thinking('meta.llama3-3-70b-instruct-v1:0', 'low'), [undefined, { maxTokens: 20_000, temperature: 0.5 }])
})

test('reasoning that is bound to what stands before it is left out', () => {
  const model = 'global.anthropic.claude-sonnet-5-5'
  const parts = [
    { type: 'reasoning', text: 'Hm.', signature: 'EqQB', model: `bedrock:${model}` },
    { type: 'text', text: 'Yes.', origin: OWNER },
  ] as const
  const body = encode({ model, messages: [user('Hi'), { role: 'assistant', parts }, user('Sure?')] }, false)
  assert.deepEqual([body['messages']].flat().slice(1, 2), [{ role: 'assistant', content: [{ text: 'Yes.' }] }])
  assert.equal(body['additionalModelRequestFields'], undefined)
})

test('tool choice', () => {
  const choice = (toolChoice: NonNullable<ModelRequest['toolChoice']>, more: Partial<ModelRequest> = {}) =>
    encode({ tools: [weather], toolChoice, ...more }, false)
  assert.deepEqual(choice('auto')['toolConfig'], { tools: [weatherSpec] })
  assert.deepEqual(choice('required')['toolConfig'], { tools: [weatherSpec], toolChoice: { any: {} } })
  assert.deepEqual(choice({ tool: 'get_weather' })['toolConfig'], { tools: [weatherSpec], toolChoice: { tool: { name: 'get_weather' } } })
  assert.equal(choice('none')['toolConfig'], undefined)
  assert.deepEqual(choice('none', { messages: conversation })['system'], [{ text: 'Do not call any tool in this answer.' }])
  const unforced = choice('required', { model: 'us.anthropic.claude-opus-5-5' })
  assert.deepEqual(unforced['toolConfig'], { tools: [weatherSpec] })
  assert.deepEqual(unforced['system'], [{ text: 'Answer by calling one of the tools.' }])
})

test('structured answers, by the API where it can and by words where it cannot', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1 } } }
  const format = { type: 'json-schema', name: 'answer', schema } as const
  const held = encode({ responseFormat: format }, false)
  const closed = '{"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false}'
  assert.deepEqual(held['outputConfig'], { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: closed } } } })
  assert.equal(held['system'], undefined)
  const told = encode({ responseFormat: format, model: 'amazon.nova-pro-v1:0' }, false)
  assert.equal(told['outputConfig'], undefined)
  assert.match(JSON.stringify(told['system']), /one JSON object and nothing else/)
})

test('strict tools have closed schemas', () => {
  const toolSpec = {
    name: 'get_weather',
    description: 'Weather of a place',
    inputSchema: { json: { type: 'object', properties: { place: { type: 'string' } }, additionalProperties: false } },
    strict: true,
  }
  assert.deepEqual(encode({ tools: [{ ...weather, strict: true }] }, false)['toolConfig'], { tools: [{ toolSpec }] })
})
