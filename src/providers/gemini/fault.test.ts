import assert from 'node:assert/strict'
import { test } from 'node:test'
import { geminiFault } from './fault.ts'

const fault = (code: number, status: string, message = 'm', details: readonly object[] = []) =>
  geminiFault(code, JSON.stringify({ error: { code, message, status, details } }))

test('errors are sorted by status, reason and message', () => {
  assert.equal(fault(401, 'UNAUTHENTICATED').kind, 'auth')
  assert.equal(fault(403, 'PERMISSION_DENIED').kind, 'auth')
  assert.equal(fault(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.').kind, 'auth')
  const reason = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' }
  assert.equal(fault(400, 'INVALID_ARGUMENT', 'Nope', [reason]).kind, 'auth')
  assert.equal(
    fault(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).').kind,
    'context-too-long',
  )
  assert.equal(fault(400, 'INVALID_ARGUMENT', 'Thinking level MINIMAL is not supported for this model.').kind, 'bad-request')
  assert.equal(fault(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.').kind, 'bad-request')
  assert.equal(fault(404, 'NOT_FOUND', 'models/gemini-9 is not found').kind, 'bad-request')
  assert.equal(fault(503, 'UNAVAILABLE').kind, 'overloaded')
  assert.equal(fault(500, 'INTERNAL').kind, 'network')
  assert.equal(fault(504, 'DEADLINE_EXCEEDED').kind, 'network')
})

test('a rate limit says how long to wait', () => {
  const quota = { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' }] }
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }
  assert.deepEqual(fault(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', [quota, retry]), {
    kind: 'rate-limit',
    message: 'You exceeded your current quota.',
    retryAfterMs: 34_400,
  })
  assert.equal(fault(429, 'RESOURCE_EXHAUSTED', 'm', [{ retryDelay: 'soon' }]).retryAfterMs, undefined)
})

test('an error in a list, and an answer that is no JSON', () => {
  assert.equal(geminiFault(429, JSON.stringify([{ error: { code: 429, message: 'm', status: 'RESOURCE_EXHAUSTED' } }])).kind, 'rate-limit')
  assert.deepEqual(geminiFault(502, '<html>'), { kind: 'network', message: 'status 502 without a reason' })
})
