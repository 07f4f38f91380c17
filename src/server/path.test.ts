import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normalisePath } from './path.ts'

test('B6 plain paths stay, queries go, one level of encoding is undone', () => {
  assert.equal(normalisePath('/health'), '/health')
  assert.equal(normalisePath('/v1/models?token=x#y'), '/v1/models')
  assert.equal(normalisePath('/%68ealth'), '/health')
  assert.equal(normalisePath('/'), '/')
})

test('B6 second spellings have no path', () => {
  const bad = [
    '',
    '*',
    'health',
    '//health',
    '/health//',
    '/./health',
    '/x/../health',
    '/health/.',
    '/health/..',
    '/%2fhealth',
    '/%2Fhealth',
    '/%252fhealth',
    '/%25%32%66health',
  ]
  const more = [
    '/health;x',
    '/health%3bx',
    '/health\\',
    '/health%5c',
    '/%2e%2e/health',
    '/h%00',
    '/h%',
    '/h%zz',
    '/h%c0%af',
    '/hëalth',
    '/health%20',
    'http://127.0.0.1/health',
    '/h\t',
    `/${'a'.repeat(2000)}`,
  ]
  for (const target of [...bad, ...more]) assert.equal(normalisePath(target), null, target)
  assert.notEqual(normalisePath('/Health'), '/health')
  assert.notEqual(normalisePath('/health.'), '/health')
  assert.notEqual(normalisePath('/health/'), '/health')
})

test('B6 a normal form is its own normal form', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'f', 'F', '5', 'c', 'h', ';', '\\', '?', 'é') }), (text) => {
      const path = normalisePath(`/${text}`)
      if (path !== null) assert.equal(normalisePath(path), path)
    }),
  )
})
