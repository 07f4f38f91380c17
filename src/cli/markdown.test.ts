import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MarkdownStream } from './markdown.ts'
import { painter } from './output.ts'

/** Styles as letters, so that expectations can be read. */
const marks = (letter: string) => (text: string) => (text === '' ? '' : `{${letter} ${text}}`)
const paint = { ...painter({ color: false }), bold: marks('b'), dim: marks('d'), italic: marks('i'), underline: marks('u'), cyan: marks('c') }

function render(...deltas: readonly string[]): string {
  let out = ''
  const stream = new MarkdownStream(paint, (text) => (out += text))
  for (const delta of deltas) stream.push(delta)
  stream.end()
  return out
}

test('renders what models write', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['plain', 'plain'],
    ['a **bold** and *soft* `code`', 'a {b bold} and {i soft} {c code}'],
    ['see [docs](https://a.b/c_(d)) now', 'see {u docs} (https://a.b/c_(d)) now'],
    ['<https://a.b>', '{u https://a.b}'],
    ['# Head **x**\ntext', '{b Head {b x}}\ntext'],
    ['- one\n* two\n  - three\n1. four', '• one\n• two\n  • three\n1. four'],
    ['- [ ] open\n- [x] done', '• ☐ open\n• ☑ done'],
    ['> quoted', '{d │ }quoted'],
    ['---\nafter', '{d ────────}\nafter'],
    ['```js\nconst a = **b**\n```\n*x*', '{d ```js}\n{c const a = **b**}\n{d ```}\n{i x}'],
    ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
    ['an open **mark', 'an open **mark'],
    ['\\*not\\*', '*not*'],
    ['`a ** b`', '{c a ** b}'],
  ]
  for (const [source, expected] of cases) assert.equal(render(source), expected, source)
})

test('cut anywhere, the words are the same', () => {
  const source = '# T\n\nSome **bold text**, a [link](https://x.y) and `code`.\n\n- item *one*\n- [x] two\n\n```sh\necho "**"\n```\n> end\n---\n'
  const bare = (text: string) => text.replaceAll(/\{[bdiuc] |\}/g, '')
  const whole = bare(render(source))
  for (let at = 0; at <= source.length; at++) assert.equal(bare(render(source.slice(0, at), source.slice(at))), whole, `cut at ${at}`)
  assert.equal(bare(render(...source.split(''))), whole)
})

test('words are shown as they come, before their line ends', () => {
  let out = ''
  const stream = new MarkdownStream(paint, (text) => (out += text))
  stream.push('Hello wor')
  assert.equal(out, 'Hello wor')
  stream.push('ld **bo')
  assert.equal(out, 'Hello world ')
  stream.push('ld** x')
  assert.equal(out, 'Hello world {b bold} x')
})

test('loses no letter of any text, and long runs of marks take no long time', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z *`#\n[\]()>-]{0,12}$/)), (parts) => {
      const letters = (text: string) => text.replaceAll(/[^a-z]/g, '')
      // Style letters stand apart by their brace.
      assert.equal(letters(render(...parts).replaceAll(/\{[bdiuc] /g, '')), letters(parts.join('')))
    }),
    { numRuns: 300 },
  )
  const started = performance.now()
  for (const run of ['*', '`', '[', '**a ', '![', '` `` ']) render(run.repeat(20_000))
  assert.ok(performance.now() - started < 5000)
})
