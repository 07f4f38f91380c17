import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../../../contracts/origin.ts'
import type { ModelRequest } from '../../../contracts/provider.ts'
import { type Dialect, encodeRequest } from './encode.ts'

const dialect: Dialect = { tokenLimitField: 'max_tokens', cacheKey: false }
const bare: ModelRequest = { model: 'm', system: '', messages: [], tools: [] }
const always = { stream: true, stream_options: { include_usage: true } }

test('a bare request holds nothing that was not asked for', () => {
  assert.deepEqual(encodeRequest(bare, dialect), { model: 'm', messages: [], ...always })
})

test('everything that can be asked has its place', () => {
  const parameters = { type: 'object', properties: {} }
  const request: ModelRequest = {
    ...bare,
    system: 'Be brief.',
    tools: [
      { name: 'a', description: 'A', parameters, strict: true },
      { name: 'b', description: 'B', parameters },
    ],
    toolChoice: { tool: 'a' },
    maxOutputTokens: 9,
    temperature: 0,
    topP: 0.5,
    stop: ['END'],
    responseFormat: { type: 'json-schema', name: 'shape', schema: parameters, strict: true },
    reasoningEffort: 'low',
    cacheKey: 'conversation-1',
  }
  assert.deepEqual(encodeRequest(request, { tokenLimitField: 'max_completion_tokens', cacheKey: true, extraBody: { extra: { on: true } } }), {
    model: 'm',
    messages: [{ role: 'system', content: 'Be brief.' }],
    tools: [
      { type: 'function', function: { name: 'a', description: 'A', parameters, strict: true } },
      { type: 'function', function: { name: 'b', description: 'B', parameters } },
    ],
    tool_choice: { type: 'function', function: { name: 'a' } },
    max_completion_tokens: 9,
    temperature: 0,
    top_p: 0.5,
    stop: ['END'],
    response_format: { type: 'json_schema', json_schema: { name: 'shape', schema: parameters, strict: true } },
    reasoning_effort: 'low',
    prompt_cache_key: 'conversation-1',
    extra: { on: true },
    ...always,
  })
})

test('a choice without tools, an empty stop list and plain text are left out; extra members cannot stop the stream', () => {
  const request: ModelRequest = { ...bare, toolChoice: 'required', stop: [], responseFormat: { type: 'text' }, cacheKey: 'c' }
  assert.deepEqual(encodeRequest(request, { ...dialect, extraBody: { stream: false } }), { model: 'm', messages: [], ...always })
})

test('plain words choose tools, json asks for an object', () => {
  const tools = [{ name: 'a', description: '', parameters: {} }]
  for (const choice of ['auto', 'none', 'required'] as const)
    assert.equal(encodeRequest({ ...bare, tools, toolChoice: choice }, dialect)['tool_choice'], choice)
  assert.deepEqual(encodeRequest({ ...bare, responseFormat: { type: 'json' } }, dialect)['response_format'], { type: 'json_object' })
})

test('messages keep their order, their calls and their results', () => {
  const model = 'openai:m'
  const request: ModelRequest = {
    ...bare,
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Rules.', origin: OWNER }] },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'one', origin: OWNER },
          { type: 'text', text: 'two', origin: OWNER },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', model },
          { type: 'tool-call', callId: 'c1', tool: 'a', input: { x: 'ä' } },
          { type: 'tool-call', callId: 'c2', tool: 'b', input: {} },
          { type: 'tool-call', callId: 'c3', tool: 'c', input: null, invalidInput: '{"x": ' },
          { type: 'tool-call', callId: 'c4', tool: 'd', input: ['no', 'object'] },
        ],
      },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'c1', tool: 'a', output: 'fine', isError: false, origin: OWNER },
          { type: 'tool-result', callId: 'c2', tool: 'b', output: 'failed', isError: true, origin: OWNER },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'look', origin: OWNER },
          { type: 'image', mediaType: 'image/png', data: 'AAAA', origin: OWNER },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'text', text: 'I ', origin: OWNER },
          { type: 'text', text: 'see.', origin: OWNER },
        ],
      },
    ],
  }
  const call = (id: string, name: string, text: string) => ({ id, type: 'function', function: { name, arguments: text } })
  assert.deepEqual(encodeRequest(request, dialect)['messages'], [
    { role: 'system', content: 'Rules.' },
    { role: 'user', content: 'one\ntwo' },
    { role: 'assistant', content: null, tool_calls: [call('c1', 'a', '{"x":"ä"}'), call('c2', 'b', '{}'), call('c3', 'c', '{}'), call('c4', 'd', '{}')] },
    { role: 'tool', tool_call_id: 'c1', content: 'fine' },
    { role: 'tool', tool_call_id: 'c2', content: 'failed' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    { role: 'assistant', content: 'I see.' },
  ])
})
