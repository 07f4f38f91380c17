import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAddressRange } from './address-range.ts'

test('addresses and ranges in their usual form, and nothing else', () => {
  for (const good of ['10.0.0.0/8', '127.0.0.1', '255.255.255.255/32', '::1', '::/0', 'fd00::/8', '2001:db8:1:2:3:4:5:6/128'])
    assert.ok(isAddressRange(good), good)
  for (const bad of [
    '',
    '*',
    'localhost',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '010.0.0.1',
    '256.1.1.1',
    '1.2.3.4.',
    '1::2::3',
    ':',
    '1:2:3',
    '::1/129',
    '::1/',
    '10.0.0.0/8/8',
  ]) {
    assert.ok(!isAddressRange(bad), bad)
  }
})
