import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../../src/contracts/origin.ts'
import { createTransport } from '../../src/net/transport.ts'
import { anthropic } from '../../src/providers/anthropic/module.ts'
import { cleared, uncheckedFetch } from '../doubles/cleared.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { describeProvider, fromModule } from './provider-contract.ts'

const apiKey = 'sk-ant-api03-0123456789abcdefghijklmnop'

const event = (data: { readonly type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const block = (index: number, content_block: object): string => event(Object.assign({ type: 'content_block_start' }, { index, content_block }))
const delta = (index: number, part: object): string => event(Object.assign({ type: 'content_block_delta' }, { index, delta: part }))
const stop = (index: number): string => event(Object.assign({ type: 'content_block_stop' }, { index }))
const call = (index: number, id: string, name: string, ...texts: readonly string[]): readonly string[] => [
  block(index, { type: 'tool_use', id, name, input: {} }),
  ...texts.map((partial_json) => delta(index, { type: 'input_json_delta', partial_json })),
  stop(index),
]
const begin = event(Object.assign({ type: 'message_start' }, { message: { id: 'msg_1', role: 'assistant', usage: { input_tokens: 12, output_tokens: 1 } } }))
const finish = (stop_reason: string): string =>
  event(Object.assign({ type: 'message_delta' }, { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } })) +
  event({ type: 'message_stop' })
const error = (type: string, message: string): string => JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' })

describeProvider('anthropic', {
  create: (server, deps) => fromModule(anthropic, { apiKey, baseUrl: server.href }, deps),
  acceptsBaseUrl: (baseUrl) => anthropic.config.safeParse({ baseUrl }).success,
  secrets: [apiKey],
  headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  text: [
    begin + block(0, { type: 'text', text: '' }) + event({ type: 'ping' }) + delta(0, { type: 'text_delta', text: 'Hello' }),
    delta(0, { type: 'text_delta', text: ', world.' }) + stop(0),
    finish('end_turn'),
  ],
  firstText: 1,
  calls: [begin, ...call(0, 'toolu_a', 'first', '{"a"', ':1}'), ...call(1, 'toolu_b', 'second', ''), finish('tool_use')],
  nonsense: 'data: {"type": [\n\n',
  faults: [
    { kind: 'auth', status: 401, body: error('authentication_error', 'invalid x-api-key %ECHO%') },
    { kind: 'auth', status: 403, body: error('permission_error', 'no access %ECHO%') },
    { kind: 'auth', status: 400, body: error('invalid_request_error', 'Your credit balance is too low %ECHO%') },
    { kind: 'rate-limit', status: 429, body: error('rate_limit_error', 'This request would exceed your rate limit %ECHO%') },
    { kind: 'overloaded', status: 529, body: error('overloaded_error', 'Overloaded %ECHO%') },
    { kind: 'context-too-long', status: 400, body: error('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum %ECHO%') },
    { kind: 'context-too-long', status: 413, body: error('request_too_large', 'Request exceeds the maximum size %ECHO%') },
    { kind: 'network', status: 500, body: error('api_error', 'Internal server error %ECHO%') },
    { kind: 'network', status: 502, body: '<html>%ECHO%</html>' },
    { kind: 'bad-request', status: 404, body: error('not_found_error', 'model: alpha %ECHO%') },
    { kind: 'bad-request', status: 400, body: error('invalid_request_error', 'messages: at least one is needed %ECHO%') },
  ],
  listing: JSON.stringify({
    data: [
      { type: 'model', id: 'alpha', max_input_tokens: 200_000 },
      { type: 'model', id: 'beta' },
    ],
    has_more: false,
  }),
})

test('the header that lets bound reasoning be dropped goes with the field it is for, and with nothing that looks like it', async (t) => {
  const server = await startModelServer()
  const transport = createTransport()
  t.after(() => Promise.all([transport.close(), server.close()]))
  const reply = { headers: { 'content-type': 'text/event-stream' }, pieces: [begin, finish('end_turn')] }
  server.script(reply, reply)
  const provider = await fromModule(anthropic, { apiKey, baseUrl: server.url.href }, { fetch: uncheckedFetch(transport), log: recordedLog().log, now: () => 0 })
  const parts = [{ type: 'text', text: '{"block_binding":{"prefix_mismatch_behavior":"drop_block"}}', origin: OWNER }] as const
  for (const model of ['claude-sonnet-5-5', 'claude-sonnet-4-6']) {
    const request = cleared({ model, system: '', messages: [{ role: 'user', parts } as const], tools: [] })
    for await (const event of provider.stream(request, t.signal)) assert.equal(event.type, 'finish')
  }
  assert.deepEqual(
    server.requests.map((request) => request.headers['anthropic-beta']),
    ['thinking-binding-controls-2026-08-01', undefined],
  )
})
