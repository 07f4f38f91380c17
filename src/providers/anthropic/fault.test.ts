import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropicFault } from './fault.ts'

const answer = (type: string, message: string) => JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' })
const kindOf = (status: number, type: string, message = 'm') => anthropicFault(status, answer(type, message)).kind

test('errors are sorted by their type, then by their message', () => {
  assert.equal(kindOf(401, 'authentication_error', 'invalid x-api-key'), 'auth')
  assert.equal(kindOf(403, 'permission_error'), 'auth')
  assert.equal(kindOf(429, 'rate_limit_error'), 'rate-limit')
  assert.equal(kindOf(529, 'overloaded_error'), 'overloaded')
  assert.equal(kindOf(500, 'api_error'), 'network')
  assert.equal(kindOf(504, 'timeout_error'), 'network')
  assert.equal(kindOf(404, 'not_found_error', 'model: claude-9'), 'bad-request')
  assert.equal(kindOf(413, 'request_too_large'), 'context-too-long')
  assert.equal(kindOf(400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'), 'context-too-long')
  assert.equal(kindOf(400, 'invalid_request_error', 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'), 'context-too-long')
  assert.equal(kindOf(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'), 'auth')
  assert.equal(kindOf(400, 'invalid_request_error', 'max_tokens: must be greater than `thinking.budget_tokens`'), 'bad-request')
})

test('the message names the type; an answer that is no JSON is not shown', () => {
  assert.deepEqual(anthropicFault(529, answer('overloaded_error', 'Overloaded')), { kind: 'overloaded', message: 'Overloaded (overloaded_error)' })
  assert.deepEqual(anthropicFault(502, '<html>Bad gateway</html>'), { kind: 'network', message: 'status 502 without a reason' })
  assert.deepEqual(anthropicFault(418, '[]'), { kind: 'bad-request', message: 'status 418 without a reason' })
})
