import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { scrub } from './scrub.ts'
import { cpuMs } from '../../std/cpu-time.ts'

test('what looks like a credential goes, the rest stays', () => {
  const cases = {
    'Incorrect API key provided: sk-proj-abc***xyz. See the docs.': 'Incorrect API key provided: [secret]. See the docs.',
    'header was Authorization: Bearer eyJhbGciOi.abc-def_123== and': 'header was Authorization: Bearer [secret] and',
    'POST https://api.example.com/v1/models/secret-model?key=abc&x=1 failed': 'POST https://api.example.com failed',
    'see https://user:pass@api.example.com/a/b.': 'see https://api.example.com',
    '{"api_key":"abc123","model":"m"}': '{"api_key":[secret],"model":"m"}',
    'key AIzaSyA0123456789abcdefghijklmnopqrstuv was': 'key [secret] was',
    'credential AKIAIOSFODNN7EXAMPLE/20261122 is': 'credential [secret]/20261122 is',
    'GET /v1/models?alt=sse&session=77 failed': 'GET /v1/models failed',
    'two\r\nlines\u001B[31m\u2028red': 'two lines [31m red',
    'The model `x` does not exist: try 3 others (max_tokens = 5).': 'The model `x` does not exist: try 3 others (max_tokens = 5).',
  }
  for (const [text, expected] of Object.entries(cases)) assert.equal(scrub(text, []), expected)
})

test('known secrets go in every spelling, at every place', () => {
  const secrets = ['p@ss"w/rd+1', '/v1/projects/den']
  fc.assert(
    fc.property(fc.string({ maxLength: 600 }), fc.constantFrom(...secrets), fc.string({ maxLength: 40 }), (before, secret, after) => {
      for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
        const shown = scrub(before + spelling + after, secrets)
        assert.ok(!shown.includes(spelling))
        assert.ok(shown.length <= 500)
      }
    }),
  )
})

test('a secret across the place where a long text is cut leaves nothing behind', () => {
  const secret = 'A1b2C3d4E5f6'
  for (let start = 485; start <= 500; start++) {
    const shown = scrub('x'.repeat(start) + secret + 'y'.repeat(10_000), [secret])
    assert.ok(!shown.includes('A1b2'), String(start))
  }
})

test('a short or empty secret blanks nothing out', () => {
  assert.equal(scrub('the answer is 42', ['', '42']), 'the answer is 42')
})

test('a text of 64 KiB that tempts the patterns is read at once', () => {
  for (const tempting of ['https://', 'sk-', 'key=', 'a-', '?a=', 'Bearer ']) {
    const ms = cpuMs(() => scrub(tempting.repeat(65_536 / tempting.length), ['secret-secret']))
    assert.ok(ms < 500, tempting)
  }
})
