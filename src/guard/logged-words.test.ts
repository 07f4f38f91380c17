import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import { loggedWords } from './logged-words.ts'

const SECRET = 'sk-Canary-0123456789ABCDEF'
const secrets = createSecretRegistry()
secrets.add(SECRET)

describe('words that others choose, in a line of the log', () => {
  it('are as they are where nothing is wrong with them', () => {
    for (const words of ['', 'https://a.example is not on the public internet', 'pinned to 2 checked', 'the owner’s tool policy', 'a'.repeat(300)])
      assert.equal(loggedWords(words, secrets), words)
  })

  it('hold no known secret, as a host name spells it, spread over its labels, or cut off', () => {
    for (const spelled of [
      SECRET,
      SECRET.toLowerCase(),
      Array.from(SECRET.toLowerCase()).join('.'),
      Array.from(SECRET.toLowerCase()).toReversed().join('-'),
      Buffer.from(SECRET).toString('hex'),
    ]) {
      assert.equal(loggedWords(`https://${spelled}.evil.example has no address`, secrets), 'https://[secret].evil.example has no address')
      const atTheEnd = loggedWords('b'.repeat(295) + spelled, secrets)
      assert.equal(atTheEnd, `${'b'.repeat(295)}[secr… [3 more]`, spelled)
    }
  })

  it('are short, and tell how much more it was', () => {
    assert.equal(loggedWords('a'.repeat(301), secrets), `${'a'.repeat(300)}… [1 more]`)
    assert.ok(loggedWords('\u202e'.repeat(100_000), secrets).length < 350)
  })

  it('show what would hide, move, or end the line', () => {
    assert.equal(loggedWords('a\u202eb\u200bc\nd\u001b[2Je\u{e0041}\u00ad', secrets), 'a\\u{202e}b\\u{200b}c\\u{a}d\\u{1b}[2Je\\u{e0041}\\u{ad}')
  })
})
