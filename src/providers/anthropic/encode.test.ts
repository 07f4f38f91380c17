import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../contracts/message.ts'
import { OWNER, type Origin } from '../../contracts/origin.ts'
import type { ModelRequest } from '../../contracts/provider.ts'
import { encodeRequest } from './encode.ts'

const AUTHOR = 'anthropic:claude-sonnet-4-5'
const web: Origin = { author: { kind: 'web', host: 'example.org' }, trust: 'untrusted', private: false }
const CACHED = { cache_control: { type: 'ephemeral' } }

const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, origin: OWNER }] })
const plain = (more: Partial<ModelRequest>): ModelRequest => ({ model: 'claude-sonnet-4-5', system: '', messages: [user('Hi')], tools: [], ...more })
const weather = {
  name: 'get_weather',
  description: 'Weather of a place',
  parameters: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', properties: { place: { type: 'string', minLength: 1 } } },
}

const conversation: readonly Message[] = [
  { role: 'system', parts: [{ type: 'text', text: 'The client speaks.', origin: OWNER }] },
  {
    role: 'user',
    parts: [
      { type: 'text', text: 'What is in this picture, and how is the weather there?', origin: OWNER },
      { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=', origin: OWNER },
    ],
  },
  {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'It is Zürich.', signature: 'EqQB', model: AUTHOR },
      { type: 'reasoning', text: '', signature: 'EmwK', redacted: true, model: AUTHOR },
      { type: 'reasoning', text: 'Somebody else thought this.', signature: 'xyz', model: 'anthropic:claude-opus-4-7' },
      { type: 'reasoning', text: 'Nobody signed this.', model: AUTHOR },
      { type: 'text', text: 'Let me look.', origin: OWNER },
      { type: 'tool-call', callId: 'toolu_1', tool: 'get_weather', input: { place: 'Zürich' } },
      { type: 'tool-call', callId: 'call:2/b', tool: 'get_weather', input: null, invalidInput: '{"place"' },
    ],
  },
  { role: 'tool', parts: [{ type: 'tool-result', callId: 'toolu_1', tool: 'get_weather', output: '{"celsius":7}', isError: false, origin: web }] },
  { role: 'tool', parts: [{ type: 'tool-result', callId: 'call:2/b', tool: 'get_weather', output: '', isError: true, origin: web }] },
  user('  '),
  user('And tomorrow?'),
]

test('a whole conversation with tools, an image and reasoning', () => {
  const request = plain({
    system: 'You are cara.',
    messages: conversation,
    tools: [{ ...weather, name: 'first' }, weather],
    maxOutputTokens: 16_384,
    stop: ['END', '\n'],
  })
  assert.deepEqual(encodeRequest({ ...request, reasoningEffort: 'medium', temperature: 0.3, topP: 0.9 }, AUTHOR), {
    model: 'claude-sonnet-4-5',
    max_tokens: 16_384,
    stream: true,
    system: [
      { type: 'text', text: 'You are cara.' },
      { type: 'text', text: 'The client speaks.', ...CACHED },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is in this picture, and how is the weather there?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'It is Zürich.', signature: 'EqQB' },
          { type: 'redacted_thinking', data: 'EmwK' },
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { place: 'Zürich' } },
          { type: 'tool_use', id: 'call_2_b', name: 'get_weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: '{"celsius":7}' },
          { type: 'tool_result', tool_use_id: 'call_2_b', is_error: true },
          { type: 'text', text: 'And tomorrow?', ...CACHED },
        ],
      },
    ],
    tools: [
      { name: 'first', description: 'Weather of a place', input_schema: { type: 'object', properties: { place: { type: 'string', minLength: 1 } } } },
      {
        name: 'get_weather',
        description: 'Weather of a place',
        input_schema: { type: 'object', properties: { place: { type: 'string', minLength: 1 } } },
        ...CACHED,
      },
    ],
    thinking: { type: 'enabled', budget_tokens: 8192 },
    stop_sequences: ['END'],
  })
})

test('nothing is sent that was not asked for', () => {
  assert.deepEqual(encodeRequest(plain({}), AUTHOR), {
    model: 'claude-sonnet-4-5',
    max_tokens: 8192,
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', ...CACHED }] }],
  })
})

test('how models are told to think', () => {
  const thinking = (more: Partial<ModelRequest>) => encodeRequest(plain({ reasoningEffort: 'high', ...more }), AUTHOR)
  assert.deepEqual(thinking({ maxOutputTokens: 32_000 })['thinking'], { type: 'enabled', budget_tokens: 16_384 })
  assert.deepEqual(thinking({ maxOutputTokens: 4096 })['thinking'], { type: 'enabled', budget_tokens: 3072 }, 'room for the answer stays')
  assert.equal(thinking({ maxOutputTokens: 1500 })['thinking'], undefined, 'the smallest budget does not fit')
  const current = thinking({ model: 'claude-opus-4-8', temperature: 1, topP: 1 })
  assert.deepEqual(current['thinking'], { type: 'adaptive', display: 'summarized' })
  assert.deepEqual(current['output_config'], { effort: 'high' })
  assert.equal('temperature' in current || 'top_p' in current, false)
})

test('reasoning that is bound to what stands before it is to be dropped where that has changed', () => {
  const bound = { type: 'adaptive', display: 'summarized', block_binding: { prefix_mismatch_behavior: 'drop_block' } }
  const asked = encodeRequest(plain({ model: 'claude-sonnet-5-5', reasoningEffort: 'low' }), AUTHOR)
  assert.deepEqual([asked['thinking'], asked['output_config']], [bound, { effort: 'low' }])
  const unasked = encodeRequest(plain({ model: 'claude-opus-5-5', temperature: 0.2 }), AUTHOR)
  assert.deepEqual([unasked['thinking'], unasked['output_config'], unasked['temperature']], [bound, undefined, undefined])
})

test('a budget is not given to a turn that began without reasoning of this model', () => {
  const call = { type: 'tool-call', callId: 'a', tool: 'x', input: {} } as const
  const result: Message = { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', tool: 'x', output: '1', isError: false, origin: web }] }
  const begun = (parts: Extract<Message, { role: 'assistant' }>['parts']) =>
    encodeRequest(plain({ reasoningEffort: 'low', messages: [user('Hi'), { role: 'assistant', parts }, result] }), AUTHOR)['thinking']
  assert.equal(begun([call]), undefined)
  assert.equal(begun([{ type: 'reasoning', text: 't', signature: 's', model: 'bedrock:other' }, call]), undefined)
  assert.deepEqual(begun([{ type: 'reasoning', text: 't', signature: 's', model: AUTHOR }, call]), { type: 'enabled', budget_tokens: 2048 })
})

test('tool choice', () => {
  const choice = (toolChoice: NonNullable<ModelRequest['toolChoice']>, model = 'claude-sonnet-4-5') =>
    encodeRequest(plain({ model, tools: [weather], toolChoice, reasoningEffort: 'low' }), AUTHOR)
  assert.equal(choice('auto')['tool_choice'], undefined)
  assert.deepEqual(choice('none')['tool_choice'], { type: 'none' })
  assert.deepEqual(choice('required')['tool_choice'], { type: 'any' })
  assert.equal(choice('required')['thinking'], undefined, 'a budget and a forced call exclude each other')
  assert.deepEqual(choice({ tool: 'get_weather' })['tool_choice'], { type: 'tool', name: 'get_weather' })
  const unforced = choice({ tool: 'get_weather' }, 'claude-opus-5-5')
  assert.equal(unforced['tool_choice'], undefined)
  assert.deepEqual(unforced['system'], [{ type: 'text', text: 'Answer by calling the tool `get_weather`.', ...CACHED }])
  assert.equal(encodeRequest(plain({ toolChoice: 'required' }), AUTHOR)['tool_choice'], undefined, 'there is nothing to call')
})

test('structured answers, by the API where it can and by words where it cannot', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1 } }, required: ['n'] }
  const format = { type: 'json-schema', name: 'answer', schema } as const
  const held = encodeRequest(plain({ responseFormat: format }), AUTHOR)
  assert.deepEqual(held['output_config'], {
    format: { type: 'json_schema', schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false } },
  })
  assert.equal(held['system'], undefined)
  const told = encodeRequest(plain({ model: 'claude-sonnet-4-0', responseFormat: format }), AUTHOR)
  assert.equal(told['output_config'], undefined)
  assert.match(JSON.stringify(told['system']), /one JSON object and nothing else.*minimum/)
  assert.match(JSON.stringify(encodeRequest(plain({ responseFormat: { type: 'json' } }), AUTHOR)['system']), /one JSON object and nothing else/)
})

test('strict tools have closed schemas', () => {
  const [tool] = [encodeRequest(plain({ tools: [{ ...weather, strict: true }] }), AUTHOR)['tools']].flat()
  assert.deepEqual(tool, {
    name: 'get_weather',
    description: 'Weather of a place',
    strict: true,
    input_schema: { type: 'object', properties: { place: { type: 'string' } }, additionalProperties: false },
    ...CACHED,
  })
})

test('sampling: clamped to what the API knows, and one of the two where both are refused', () => {
  const sampled = (model: string) => {
    const { temperature, top_p } = encodeRequest(plain({ model, temperature: 1.5, topP: 0.9 }), AUTHOR)
    return { temperature, top_p }
  }
  assert.deepEqual(sampled('claude-3-5-haiku-latest'), { temperature: 1, top_p: 0.9 })
  assert.deepEqual(sampled('claude-haiku-4-5'), { temperature: 1, top_p: undefined })
  assert.deepEqual(sampled('claude-sonnet-5'), { temperature: undefined, top_p: undefined })
})
