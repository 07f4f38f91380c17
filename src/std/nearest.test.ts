import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestOf } from './nearest.ts'

test('names what was probably meant, nearest first', () => {
  const keys = ['port', 'host', 'allowedHosts', 'maxBodyBytes', 'hosts']
  assert.deepEqual(nearestOf('prot', keys), ['port'])
  assert.deepEqual(nearestOf('allowedhost', keys), ['allowedHosts'])
  assert.deepEqual(nearestOf('hos', keys, 2), ['host'])
  assert.deepEqual(nearestOf('hostt', keys, 2), ['host', 'hosts'])
  assert.deepEqual(nearestOf('zzzz', keys), [])
  assert.deepEqual(nearestOf('', keys), [])
  assert.deepEqual(nearestOf('x'.repeat(1e6), keys), [])
})
