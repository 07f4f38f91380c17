import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, constantFrom, property } from 'fast-check'
import { visibleText } from './visible-text.ts'

describe('visibleText', () => {
  it('shows every character that hides, moves others or passes for a space', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['pay ann', 'pay ann'],
      ['Grüße, Ωmega', 'Grüße, Ωmega'],
      ['abc\u202Efed', 'abc\\u{202e}fed'],
      ['a\u200Bb\u200Dc\uFEFF', 'a\\u{200b}b\\u{200d}c\\u{feff}'],
      ['a\u0000b\u001B[31m\u007F\u009B', 'a\\u{0}b\\u{1b}[31m\\u{7f}\\u{9b}'],
      ['a\u00A0b\u3000c\u2028d', 'a\\u{a0}b\\u{3000}c\\u{2028}d'],
      ['x\u{E0041}\uFE0F\u3164\u2800\u034F', 'x\\u{e0041}\\u{fe0f}\\u{3164}\\u{2800}\\u{34f}'],
      ['lone \uD800', 'lone \\u{d800}'],
      ['\\u{202e}', '\\\\u{202e}'],
    ]
    for (const [text, shown] of cases) assert.equal(visibleText(text, 1000), shown)
  })

  it('keeps line breaks where lines are shown, and nothing else of the kind', () => {
    assert.equal(visibleText('a\nb\rc\td', 100, { lines: true }), 'a\nb\\u{d}c\\u{9}d')
    assert.equal(visibleText('a\nb', 100), 'a\\u{a}b')
  })

  it('is bounded, and says how much it left out', () => {
    assert.equal(visibleText('x'.repeat(100), 10), `${'x'.repeat(10)}… [90 more]`)
    assert.ok(visibleText('\u202E'.repeat(100_000), 1000).length < 1100)
  })

  it('shows different texts differently, and only what can be seen', () => {
    const hidden = constantFrom('\u202E', '\u200B', '\\', 'u', '{', '}', '2', '0', 'e', 'b', 'a', ' ', '\n')
    const text = array(hidden, { maxLength: 12 }).map((parts) => parts.join(''))
    check(
      property(text, text, (a, b) => {
        assert.equal(visibleText(a, 1000) === visibleText(b, 1000), a === b)
        assert.match(visibleText(a, 1000), /^[\x20-\x7E]*$/)
      }),
    )
  })
})
