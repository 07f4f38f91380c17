import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedAttempts, TokenBuckets } from './rate-limits.ts'

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

test('what is kept of attempts counts from when they began, and never less than is known', () => {
  const failures = new FailedAttempts(3)
  failures.learn('a', 3, 10_000, 20_000)
  assert.equal(failures.count('a', 20_000), 50_000, 'the minute began when the first of them was counted')
  failures.learn('a', 2, 20_000, 21_000)
  assert.equal(failures.count('a', 22_000), 48_000, 'five are five, whoever knows of less')
  failures.learn('a', 9, 20_000, 23_000)
  assert.equal(failures.hear('a', -6, 24_000), 0, 'nine, less six')
  failures.learn('b', 4, 0, 59_999)
  assert.equal(failures.hear('b', 0, 59_999), 1)
  failures.learn('c', 4, 0, 60_000)
  assert.equal(failures.hear('c', 0, 60_000), 0, 'a minute later they are over')
  failures.count('c', 60_000)
  failures.learn('c', 4, 10_000, 70_000)
  assert.equal(failures.hear('c', 0, 70_000), 0, 'and say nothing of the minute that runs')
  failures.learn('d', 4, 90_000, 70_000)
  assert.equal(failures.hear('d', 0, 70_000), 60_000, 'the clock of another may be ahead')
})

test('tokens that are taken here are told, and those that are taken elsewhere are missing here, down to the burst', () => {
  const buckets = new TokenBuckets(1, 3)
  assert.equal(buckets.take('a', 0), 0, 'nobody has to listen')
  const told: string[] = []
  buckets.onTaken = (key) => told.push(key)
  assert.equal(buckets.take('a', 0), 0)
  buckets.spend('a', 1, 0)
  assert.equal(buckets.take('a', 0), 1000, 'three of three are gone')
  assert.deepEqual(told, ['a'], 'neither what was refused nor what is heard is told')
  buckets.spend('a', 100, 0)
  assert.equal(buckets.take('a', 0), 4000, 'three are owed, and one is wanted')
  buckets.spend('b', 1, 0)
  assert.deepEqual([buckets.take('b', 0), buckets.take('b', 0), buckets.take('b', 0)], [0, 0, 1000])
})
