import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Breaker } from './breaker.ts'

it('a breaker opens after failures in a row, and closes again by one probe that succeeds', () => {
  let now = 0
  const breaker = new Breaker(2, 1000, () => now)
  breaker.failed()
  breaker.succeeded()
  breaker.failed()
  assert.ok(breaker.admits(), 'not in a row')
  breaker.failed()
  assert.ok(!breaker.admits())
  now = 1000
  assert.ok(breaker.admits(), 'a probe')
  assert.ok(!breaker.admits(), 'one at a time')
  breaker.failed()
  assert.ok(!breaker.admits())
  now = 2000
  assert.ok(breaker.admits())
  breaker.succeeded()
  assert.ok(breaker.admits() && breaker.admits())
})
