import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bedrockFault } from './fault.ts'

const kindOf = (status: number, type: string, message = 'm') => bedrockFault(status, { 'x-amzn-errortype': type }, JSON.stringify({ message })).kind

test('errors are sorted by the name of the exception', () => {
  assert.equal(
    kindOf(429, 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/', 'Too many tokens, please wait before trying again.'),
    'rate-limit',
  )
  assert.equal(kindOf(400, 'ServiceQuotaExceededException'), 'rate-limit')
  assert.equal(kindOf(503, 'ServiceUnavailableException'), 'overloaded')
  assert.equal(kindOf(424, 'ModelErrorException'), 'network')
  assert.equal(kindOf(429, 'ModelNotReadyException'), 'overloaded')
  assert.equal(kindOf(403, 'AccessDeniedException'), 'auth')
  assert.equal(kindOf(403, 'com.amazon.coral.service#UnrecognizedClientException', 'The security token included in the request is invalid.'), 'auth')
  assert.equal(kindOf(403, 'ExpiredTokenException'), 'auth')
  assert.equal(kindOf(404, 'ResourceNotFoundException'), 'bad-request')
  assert.equal(kindOf(400, 'ValidationException', 'Invocation of model ID x with on-demand throughput isn’t supported.'), 'bad-request')
  for (const message of [
    'Input is too long for requested model.',
    'The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum',
    'The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
    "This model's maximum context length is 131072 tokens.",
  ]) {
    assert.equal(kindOf(400, 'ValidationException', message), 'context-too-long', message)
  }
  assert.equal(bedrockFault(403, {}, '{"__type":"AccessDeniedException","Message":"no"}').kind, 'auth')
  assert.equal(bedrockFault(503, {}, '<html>').kind, 'overloaded')
})

test('a wrong signature is not explained with all that we sent', () => {
  const message =
    "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/model/x/converse-stream'"
  assert.deepEqual(bedrockFault(403, { 'x-amzn-errortype': 'InvalidSignatureException' }, JSON.stringify({ message })), {
    kind: 'auth',
    message: 'The request signature we calculated does not match. (InvalidSignatureException)',
  })
})
