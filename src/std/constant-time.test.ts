import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretMatcher } from './constant-time.ts'

test('L1 only the secret itself matches: no beginning, no end, no other length', () => {
  const matches = secretMatcher('right-token')
  assert.equal(matches('right-token'), true)
  for (const wrong of ['', 'r', 'right-toke', 'right-token ', ' right-token', 'right-token\0', 'Right-token', 'right-tokeN', 'x'.repeat(100_000)])
    assert.equal(matches(wrong), false, wrong.slice(0, 20))
  assert.equal(secretMatcher('')(''), true)
})

test('L1 a first wrong letter takes as long as a last one', () => {
  const secret = 'a'.repeat(4096)
  const matches = secretMatcher(secret)
  const early = `b${secret.slice(1)}`
  const late = `${secret.slice(1)}b`
  const time = (given: string) => {
    const startedAt = performance.now()
    for (let round = 0; round < 200; round++) matches(given)
    return performance.now() - startedAt
  }
  // The quickest of many rounds: what else the machine does only ever makes one slower.
  const [quickEarly, quickLate] = [early, late].map((given) => Math.min(...Array.from({ length: 40 }, () => time(given))))
  assert.ok(Math.abs((quickEarly ?? 0) / (quickLate ?? 1) - 1) < 0.5, `${quickEarly} ${quickLate}`)
})
