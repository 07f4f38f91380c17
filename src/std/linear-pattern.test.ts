import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { linearPattern } from './linear-pattern.ts'

const finds = (source: string, text: string) => linearPattern(source).search(text, { left: 1e9 }) >= 0

describe('a pattern', () => {
  test('finds what the regular expressions of the language find', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '\\s', '1', ' ', '[a-c1]', '\\.', 'é')
    const tree = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([one, two]) => one + two),
        fc.tuple(tie('node'), tie('node')).map(([one, two]) => `(?:${one}|${two})`),
        fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '*?')).map(([one, times]) => `(${one})${times}`),
        tie('node').map((one) => `\\b${one}`),
        tie('node').map((one) => `^${one}`),
        tie('node').map((one) => `${one}$`),
      ),
    })).node
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '.', 'é'), maxLength: 12 })
    fc.assert(
      fc.property(tree, text, (source, text) => assert.equal(finds(source, text), new RegExp(source, 'su').test(text), `${source} in ${JSON.stringify(text)}`)),
      { numRuns: 2000 },
    )
  })

  test('may ignore case, and says where the match ends', () => {
    assert.ok(finds('(?i)straße [a-c]', 'STRAßE B'))
    assert.ok(!finds('straße', 'STRAßE'))
    assert.ok(finds('^.[^a]$', 'a😀'), 'a character is a code point')
    assert.equal(linearPattern('needle').search('hay needle hay', { left: 1000 }), 10)
  })

  test('takes linear time where others take for ever', () => {
    const text = `${'a'.repeat(50_000)}!`
    for (const source of ['(a+)+b', '(a|a)*b', '(a|aa)+b', '(.*)*x', '(a?){50}a{50}b', '^([a-zA-Z]+)*b']) {
      const effort = { left: 50_000_000 }
      assert.equal(linearPattern(source).search(text, effort), -1, source)
      assert.ok(effort.left > 0, `${source} took ${50_000_000 - effort.left} steps`)
    }
  })

  test('stops when its effort is used up', () => {
    const effort = { left: 100 }
    assert.equal(linearPattern('b').search('a'.repeat(1000), effort), -1)
    assert.ok(effort.left <= 0)
  })

  test('that is not understood says so', () => {
    for (const source of [
      '(',
      'a)',
      '[a',
      '*a',
      'a{3,1}',
      '(?=a)',
      '(?<n>a)',
      '\\1',
      '\\',
      '((a{99}){99}){99}',
      'x'.repeat(1001),
      '('.repeat(60),
      '^*',
      '[b-a]',
      '\\p',
    ]) {
      assert.throws(() => linearPattern(source), SyntaxError, source)
    }
  })
})
