import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../contracts/errors.ts'
import type { ErrorBody } from '../contracts/ws-protocol.ts'
import { answerError } from './answer-error.ts'

const body = (code: string, message: string, details?: unknown): ErrorBody => ({
  code,
  message,
  retryable: false,
  ...(details === undefined ? {} : { details }),
})
const told = (answer: ErrorBody | undefined) => {
  const { code, message, hint, retryAfterMs } = answerError(answer)
  return [code, message, hint, retryAfterMs]
}

test('an error comes out as it was thrown on the other side, and its sentence is not said twice', () => {
  const plain = new AppError('turn/not-found').message
  assert.deepEqual(told(body('turn/not-found', plain)), ['turn/not-found', plain, undefined, undefined])
  const detailed = new AppError('turn/not-found', 't-1').message
  assert.deepEqual(told(body('turn/not-found', detailed)), ['turn/not-found', detailed, undefined, undefined])
  assert.deepEqual(told(body('turn/not-found', 'of another version')), ['turn/not-found', `${plain}: of another version`, undefined, undefined])
  const inverse = `of another version: ${plain}: `
  assert.deepEqual(told(body('turn/not-found', inverse)), ['turn/not-found', `${plain}: ${inverse}`, undefined, undefined])
})

test('what to do and when to try again come along, one without the other too', () => {
  const [code, message] = ['auth/locked-out', new AppError('auth/locked-out').message]
  assert.deepEqual(told(body(code, message, { hint: 'wait', retryAfterMs: 5 })), [code, message, 'wait', 5])
  assert.deepEqual(told(body(code, message, { hint: 'wait' })), [code, message, 'wait', undefined])
  assert.deepEqual(told(body(code, message, { retryAfterMs: 5 })), [code, message, undefined, 5])
  for (const details of [{ hint: 7 }, { hint: 'wait', retryAfterMs: 'soon' }, 'wait', null])
    assert.deepEqual(told(body(code, message, details)), [code, message, undefined, undefined])
  assert.deepEqual(Object.keys(answerError(body(code, message))).includes('hint'), Object.keys(new AppError('auth/locked-out')).includes('hint'))
})

test('a code of a newer gateway becomes an internal error with its message', () => {
  assert.deepEqual(told(body('quantum/decohered', 'It decohered', { hint: 'measure again' })), [
    'internal',
    new AppError('internal', 'It decohered').message,
    'measure again',
    undefined,
  ])
  assert.deepEqual(told(undefined), ['internal', new AppError('internal', 'the gateway gave no reason').message, undefined, undefined])
})
