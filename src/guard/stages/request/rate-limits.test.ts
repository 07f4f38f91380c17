import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedAttempts } from './rate-limits.ts'

test('attempts that are counted elsewhere count here, and what is counted or forgiven here is told', () => {
  const failures = new FailedAttempts(3)
  assert.equal(failures.count('a', 0), 0, 'nobody has to listen')
  const told: [string, number][] = []
  failures.onCounted = (key, times) => told.push([key, times])
  assert.equal(failures.count('a', 1000), 0)
  failures.forgive('a')
  failures.forgive('unknown')
  assert.deepEqual(told, [
    ['a', 1],
    ['a', -1],
  ])
  assert.equal(failures.hear('a', 2, 2000), 0)
  assert.equal(failures.count('a', 3000), 57_000)
  assert.equal(told.length, 3, 'what is heard is not told again')
  assert.equal(failures.hear('a', -9, 4000), 0)
  failures.forgive('a')
  assert.equal(told.length, 3, 'nothing is forgiven that does not count')
  assert.equal(failures.hear('a', 3, 5000), 0, 'it never falls below none')
  assert.equal(failures.hear('a', 1, 6000), 54_000)
  assert.equal(failures.hear('a', 1, 60_000), 0, 'a minute later it begins anew')
})
