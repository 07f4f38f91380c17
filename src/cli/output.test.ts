import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clean, oneLine, painter, safeJson } from './output.ts'

test('clean leaves text, tabs and newlines, and nothing that steers a terminal', () => {
  assert.equal(clean('a\tb\nü 漢 👍🏽\r\nc'), 'a\tb\nü 漢 👍🏽\nc')
  for (let code = 0; code < 0xa0; code++) {
    const character = String.fromCharCode(code)
    const isKept = character === '\t' || character === '\n' || (code >= 0x20 && code < 0x7f)
    assert.equal(clean(`x${character}`), isKept ? `x${character}` : 'x', `U+${code.toString(16)}`)
  }
  assert.equal(clean('\u202eevil\u2066\u200f'), 'evil')
})

test('JSON keeps the value and holds no raw control character', () => {
  const value = { text: '\u001b[2J\u009b\u007f\u202e "quoted"\n' }
  for (const indent of [undefined, 2]) {
    const text = safeJson(value, indent)
    assert.deepEqual(JSON.parse(text), value)
    // oxlint-disable-next-line no-control-regex -- that is the point
    assert.doesNotMatch(text, /[\u001b\u007f-\u009f\u202e]/)
  }
})

test('one line stays one line and short', () => {
  assert.equal(oneLine('a\n  b\u001b[1m'), 'a b[1m')
  assert.equal(oneLine('x'.repeat(50), 10), `${'x'.repeat(9)}…`)
})

test('colours only where they are wanted', () => {
  assert.equal(painter({ color: false }).red('x'), 'x')
  assert.equal(painter({ color: true }).red('x'), '\u001b[31mx\u001b[39m')
})
