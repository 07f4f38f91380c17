import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../contracts/message.ts'
import { OWNER, type Origin } from '../../contracts/origin.ts'
import type { ModelRequest } from '../../contracts/provider.ts'
import { encodeRequest } from './encode.ts'

const web: Origin = { author: { kind: 'web', host: 'example.org' }, trust: 'untrusted', private: false }
const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, origin: OWNER }] })
const plain = (more: Partial<ModelRequest>): ModelRequest => ({ model: 'gemini-3.5-flash', system: '', messages: [user('Hi')], tools: [], ...more })
const parameters = { type: 'object', properties: { place: { type: 'string' } }, additionalProperties: false }
const weather = {
  name: 'get_weather',
  description: 'Weather of a place',
  parameters: { $schema: 'https://json-schema.org/draft/2020-12/schema', ...parameters },
}

const conversation: readonly Message[] = [
  { role: 'system', parts: [{ type: 'text', text: 'The client speaks.', origin: OWNER }] },
  {
    role: 'user',
    parts: [
      { type: 'text', text: 'What is this?', origin: OWNER },
      { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=', origin: OWNER },
    ],
  },
  {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'Hm.', model: 'gemini:gemini-3.5-flash' },
      { type: 'text', text: 'Let me look.', origin: OWNER },
      { type: 'tool-call', callId: 'k3j9x2', tool: 'get_weather', input: { place: 'Zürich' }, signature: 'EpEg' },
      { type: 'tool-call', callId: 'gemini_1', tool: 'get_weather', input: { place: 'Bern' } },
    ],
  },
  {
    role: 'tool',
    parts: [
      { type: 'tool-result', callId: 'k3j9x2', tool: 'get_weather', output: '{"celsius":7}', isError: false, origin: web },
      { type: 'tool-result', callId: 'gemini_1', tool: 'get_weather', output: 'no such place', isError: true, origin: web },
    ],
  },
  user('And tomorrow?'),
]

test('a whole conversation with tools, an image and signatures', () => {
  const request = plain({
    system: 'You are cara.',
    messages: conversation,
    tools: [weather],
    maxOutputTokens: 4096,
    temperature: 0.3,
    topP: 0.9,
    stop: ['END'],
  })
  assert.deepEqual(encodeRequest({ ...request, reasoningEffort: 'low' }), {
    systemInstruction: { parts: [{ text: 'You are cara.' }, { text: 'The client speaks.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'What is this?' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }] },
      {
        role: 'model',
        parts: [
          { text: 'Let me look.' },
          { functionCall: { id: 'k3j9x2', name: 'get_weather', args: { place: 'Zürich' } }, thoughtSignature: 'EpEg' },
          { functionCall: { name: 'get_weather', args: { place: 'Bern' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'k3j9x2', name: 'get_weather', response: { result: '{"celsius":7}' } } },
          { functionResponse: { name: 'get_weather', response: { error: 'no such place' } } },
          { text: 'And tomorrow?' },
        ],
      },
    ],
    tools: [{ functionDeclarations: [{ name: 'get_weather', description: 'Weather of a place', parametersJsonSchema: parameters }] }],
    generationConfig: {
      maxOutputTokens: 4096,
      temperature: 0.3,
      topP: 0.9,
      stopSequences: ['END'],
      thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' },
    },
  })
})

test('nothing is sent that was not asked for', () => {
  assert.deepEqual(encodeRequest(plain({ stop: [] })), { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] })
})

test('calls of another model carry the documented mark where signatures are demanded', () => {
  const call = (callId: string, signature?: string) =>
    ({ type: 'tool-call', callId, tool: 'x', input: {}, ...(signature === undefined ? {} : { signature }) }) as const
  const signatures = (model: string, ...calls: readonly ReturnType<typeof call>[]) =>
    [
      ...JSON.stringify(encodeRequest(plain({ model, messages: [user('Hi'), { role: 'assistant', parts: calls }] }))).matchAll(/"thoughtSignature":"(\w+)"/g),
    ].map((match) => match[1])
  assert.deepEqual(signatures('gemini-3.5-flash', call('a'), call('b')), ['skip_thought_signature_validator'])
  assert.deepEqual(signatures('gemini-3.5-flash', call('a', 'real'), call('b')), ['real'])
  assert.deepEqual(signatures('gemini-3.5-flash', call('a', 'x'.repeat(65_537))), ['skip_thought_signature_validator'])
  assert.deepEqual(signatures('gemini-2.5-pro', call('a'), call('b')), [])
})

test('how models are told to think', () => {
  const thinking = (model: string, reasoningEffort: 'low' | 'medium' | 'high') => encodeRequest(plain({ model, reasoningEffort }))['generationConfig']
  assert.deepEqual(thinking('gemini-2.5-flash', 'high'), { thinkingConfig: { includeThoughts: true, thinkingBudget: 24_576 } })
  assert.deepEqual(thinking('gemini-3-pro-preview', 'medium'), { thinkingConfig: { includeThoughts: true, thinkingLevel: 'high' } })
  assert.deepEqual(thinking('gemini-3.1-pro-preview', 'medium'), { thinkingConfig: { includeThoughts: true, thinkingLevel: 'medium' } })
  assert.deepEqual(thinking('gemini-flash-latest', 'low'), { thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' } })
  assert.equal(thinking('gemini-2.0-flash', 'low'), undefined)
  assert.equal(thinking('gemma-3-27b-it', 'low'), undefined)
})

test('tool choice', () => {
  const choice = (toolChoice: NonNullable<ModelRequest['toolChoice']>) => encodeRequest(plain({ tools: [weather], toolChoice }))['toolConfig']
  assert.equal(choice('auto'), undefined)
  assert.deepEqual(choice('none'), { functionCallingConfig: { mode: 'NONE' } })
  assert.deepEqual(choice('required'), { functionCallingConfig: { mode: 'ANY' } })
  assert.deepEqual(choice({ tool: 'get_weather' }), { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['get_weather'] } })
})

test('structured answers, by words where tools stand in the way', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer' } } }
  const format = { type: 'json-schema', name: 'answer', schema } as const
  const held = { responseMimeType: 'application/json', responseJsonSchema: schema }
  assert.deepEqual(encodeRequest(plain({ responseFormat: format }))['generationConfig'], held)
  assert.deepEqual(encodeRequest(plain({ responseFormat: { type: 'json' } }))['generationConfig'], { responseMimeType: 'application/json' })
  assert.deepEqual(encodeRequest(plain({ responseFormat: format, tools: [weather] }))['generationConfig'], held)
  for (const told of [
    encodeRequest(plain({ responseFormat: format, tools: [weather], toolChoice: 'required' })),
    encodeRequest(plain({ responseFormat: format, tools: [weather], model: 'gemini-2.5-pro' })),
  ]) {
    assert.equal(told['generationConfig'], undefined)
    assert.match(JSON.stringify(told['systemInstruction']), /one JSON object and nothing else/)
  }
})
