import assert from 'node:assert/strict'
import { test } from 'node:test'
import { netError, UNCHECKED_PEER } from './net-error.ts'

const coded = (code: unknown, more: ErrorOptions = {}) => Object.assign(new Error('secret', more), { code })
const told = (error: unknown) => {
  const { code, message, cause } = netError(error, 'ORIGIN')
  assert.equal(cause, undefined)
  return `${code}: ${message.replace(/^The server (cannot be reached|did not answer in time): |^This address may not be reached: /, '')}`
}

test('what may pass by waiting is a time-out', () => {
  for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])
    assert.equal(told(coded(code)), 'net/timeout: ORIGIN', code)
})

test('a code that is known gives its reason, any other a plain one, and the message of the original never shows', () => {
  for (const [code, expected] of [
    ['ECONNREFUSED', 'net/unreachable: ORIGIN: nothing listens there'],
    ['CERT_HAS_EXPIRED', 'net/unreachable: ORIGIN: its certificate has expired'],
    [UNCHECKED_PEER, 'net/refused: ORIGIN is not where it was a moment ago'],
    ['UND_ERR_INVALID_ARG', 'net/refused: the request to ORIGIN holds what HTTP cannot carry'],
    ['HPE_INVALID_CONSTANT', 'net/unreachable: ORIGIN: it does not speak HTTP'],
    ['X_HPE_', 'net/unreachable: ORIGIN: the connection failed'],
    ['OTHER', 'net/unreachable: ORIGIN: the connection failed'],
    [404, 'net/unreachable: ORIGIN: the connection failed'],
    [['ETIMEDOUT'], 'net/unreachable: ORIGIN: the connection failed'],
  ])
    assert.equal(told(coded(code)), expected)
  for (const error of ['ECONNREFUSED', { code: 'ECONNREFUSED' }, undefined, null, new Error('secret'), new AggregateError([], 'secret')])
    assert.equal(told(error), 'net/unreachable: ORIGIN: the connection failed')
})

test('the code is looked for along causes and in the first of several errors, three steps deep', () => {
  const refused = 'net/unreachable: ORIGIN: nothing listens there'
  const nested = (depth: number): Error => (depth === 0 ? coded('ECONNREFUSED') : new Error('secret', { cause: nested(depth - 1) }))
  assert.deepEqual([nested(1), nested(3), nested(4)].map(told), [refused, refused, 'net/unreachable: ORIGIN: the connection failed'])
  const several = (depth: number): Error => (depth === 0 ? coded('ECONNREFUSED') : new AggregateError([several(depth - 1), coded('ETIMEDOUT')]))
  assert.deepEqual([several(1), several(3), several(4)].map(told), [refused, refused, 'net/unreachable: ORIGIN: the connection failed'])
  // What is told of all of them is less than what is told of the first; where there is none, its own code counts.
  assert.equal(told(Object.assign(several(1), { code: 'ETIMEDOUT' })), refused)
  assert.equal(told(Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' })), 'net/timeout: ORIGIN')
  // A code that is no text is none.
  assert.equal(told(coded(7, { cause: coded('ECONNREFUSED') })), refused)
})

test('an error that causes itself comes to an end', () => {
  const error = new Error('secret')
  error.cause = error
  assert.equal(told(error), 'net/unreachable: ORIGIN: the connection failed')
})

test('nothing has left where there was no connection yet, and it may have in every other case', () => {
  for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']) assert.equal(netError(coded(code), 'ORIGIN').isUnsent, true, code)
  for (const code of ['UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE', 'EHOSTUNREACH', 'OTHER'])
    assert.equal(netError(coded(code), 'ORIGIN').isUnsent, false, code)
})
