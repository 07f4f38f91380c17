import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSecretRegistry } from './secret-registry.ts'

function registry(...secrets: readonly string[]) {
  const all = createSecretRegistry()
  for (const secret of secrets) all.add(secret)
  return all
}

const TRICKY = 'p@ss "word"/+\\ü%&'

test('every encoding of a secret is found', () => {
  const all = registry(TRICKY)
  const bytes = Buffer.from(TRICKY)
  for (const form of [
    TRICKY,
    JSON.stringify(TRICKY),
    encodeURIComponent(TRICKY),
    new URLSearchParams({ q: TRICKY }).toString(),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    Buffer.from(`owner:${TRICKY}:end`).toString('base64'),
    Buffer.from(`a${TRICKY}`).toString('base64url'),
  ]) {
    assert.ok(all.redact(`before ${form} after`).includes('[secret]'), form)
  }
})

test('text without a secret comes back as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(registry('sk-0123456789abcdef').redact(text), text)
    }),
  )
})

test('wherever a secret stands, nothing of it is left and everything else is', () => {
  const secret = fc.string({ minLength: 8, maxLength: 60, unit: fc.constantFrom('a', 'b', 'ä', '語', '\u0161') })
  fc.assert(
    fc.property(fc.uniqueArray(secret, { minLength: 1, maxLength: 4 }), fc.string({ unit: fc.constantFrom('x', 'y', '\n', '語') }), (secrets, other) => {
      const all = registry(...secrets)
      for (const each of secrets) assert.equal(all.redact(`${other}.${each}.${other}`), `${other}.[secret].${other}`)
      assert.ok(secrets.every((each) => !all.redact(secrets.join('')).includes(each)))
    }),
  )
})

test('overlapping secrets leave no rest', () => {
  const all = registry('abcdefghij', 'ghijklmnop', 'abcdefgh')
  assert.equal(all.redact('<abcdefghijklmnop>'), '<[secret]>')
  assert.equal(all.redact('<abcdefgh><ghijklmnop>'), '<[secret]><[secret]>')
})

test('the list is longest first, without duplicates and without short ones', () => {
  const all = registry('short', 'eight888', 'a-longer-secret', 'eight888')
  assert.deepEqual(all.list(), ['a-longer-secret', 'eight888'])
  assert.equal(all.redact('short'), 'short')
  all.add('added-later')
  assert.equal(all.redact('now added-later.'), 'now [secret].')
})
