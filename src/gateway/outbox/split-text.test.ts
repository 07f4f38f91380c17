import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { splitText } from './split-text.ts'
import { measure } from './text-units.ts'
import type { TextTraits } from '../../contracts/destination.ts'

const traits = fc.record<TextTraits>({
  maxText: fc.integer({ min: 256, max: 700 }),
  unit: fc.constantFrom('utf-16', 'bytes', 'code-points'),
  markup: fc.constantFrom('plain', 'markdown'),
})
const LANGUAGES = ['', 'js', 'c++', 'objective-c']
const short = fc.constantFrom(
  'a',
  'word',
  'Grüße',
  '👩‍👩‍👧‍👦',
  'é',
  '한국어',
  '🇩🇪',
  '\r\n',
  '\n',
  '\n\n',
  '. ',
  ' ',
  '  ',
  '`x y`',
  '@somebody',
  '**',
  '[',
  '](',
  '<',
  '```',
)
const link = fc.constantFrom(
  'https://example.org/a?b=c&d=e',
  '[a link](https://example.org/x)',
  '<https://example.org/y>',
  '<@12345>',
  'someone@example.org',
  '#room',
)
const line = fc.array(fc.oneof({ weight: 8, arbitrary: short }, link), { minLength: 1, maxLength: 60 }).map((parts) => parts.join(''))
const block = fc
  .tuple(
    fc.constantFrom('```', '~~~', '`````'),
    fc.constantFrom(...LANGUAGES),
    fc.array(fc.constantFrom('const a = 1', '', '  if (x) {', 'é👩‍👩‍👧‍👦', 'x'.repeat(300)), { maxLength: 30 }),
  )
  .map(([marks, language, lines]) => `\n${[`${marks}${language}`, ...lines, marks].join('\n')}\n`)
const text = fc
  .array(fc.oneof({ weight: 3, arbitrary: line }, { weight: 1, arbitrary: block }), { minLength: 1, maxLength: 30 })
  .map((parts) => parts.join(' '))
const wild = fc.string({ unit: 'binary', maxLength: 3000 })

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const boundaries = (source: string) => new Set([...segmenter.segment(source)].map(({ index }) => index))
const clusters = fc.array(fc.constantFrom('👩‍👩‍👧‍👦', 'é', '한', '🇩🇪', 'x', 'क्षि'), { minLength: 300, maxLength: 900 }).map((parts) => parts.join(''))

function cutsOf(sources: readonly string[]): readonly number[] {
  let length = 0
  return sources.slice(0, -1).map((source) => (length += source.length))
}

/** Whether a renderer is still in a fenced block at the end; its marks and language when it is. */
function openFence(source: string): string | null {
  let open: { readonly marks: string; readonly language: string } | null = null
  for (const each of source.split('\n')) {
    const [, marks, rest] = /^[ \t]{0,16}(`{3,}|~{3,})(.*)$/.exec(each) ?? []
    if (marks === undefined || rest === undefined) continue
    if (open === null) {
      if (!marks.startsWith('`') || !rest.includes('`')) open = { marks, language: rest.trim().split(/\s/)[0] ?? '' }
    } else if (marks.startsWith(open.marks) && rest.trim() === '') open = null
  }
  return open === null ? null : open.marks + open.language
}

describe('a text that is longer than a message', () => {
  it('is cut into pieces that fit in the platform’s own unit and joined are the text', () => {
    fc.assert(
      fc.property(fc.oneof(text, wild), traits, (whole, given) => {
        const pieces = splitText(whole, given)
        assert.equal(pieces.map(({ source }) => source).join(''), whole)
        for (const piece of pieces) {
          assert.ok(measure(piece.text, given.unit) <= given.maxText, `${measure(piece.text, given.unit)} of ${given.maxText}`)
          assert.ok(piece.text.includes(piece.source))
          assert.ok(piece.source.isWellFormed() || !whole.isWellFormed(), 'no half of a surrogate pair')
        }
        assert.ok(pieces.length <= 4 + (4 * measure(whole, given.unit)) / given.maxText, 'not in crumbs')
      }),
    )
  })

  it('is cut in no grapheme', () => {
    fc.assert(
      fc.property(fc.oneof(text, clusters), traits, (whole, given) => {
        const known = boundaries(whole)
        for (const cut of cutsOf(splitText(whole, given).map(({ source }) => source))) assert.ok(known.has(cut), JSON.stringify(whole.slice(cut - 8, cut + 8)))
      }),
    )
    // One that is longer than a message has to be: between code points.
    const zalgo = `a${'\u0301'.repeat(3000)}`
    assert.deepEqual(
      splitText(zalgo, { maxText: 256, unit: 'utf-16', markup: 'plain' })
        .map(({ text: each }) => each.length)
        .slice(0, 2),
      [256, 256],
    )
  })

  it('is cut in no link and no mention, and in no short code where there is markup', () => {
    const words = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom('some', 'words', 'in a row', 'Straße.', '\n') }, link), {
      minLength: 40,
      maxLength: 200,
    })
    fc.assert(
      fc.property(words, traits, (parts, given) => {
        const code = given.markup === 'markdown' ? ['`a b c`', '``d e``'] : []
        const all = [...parts, ...code].map((part) => `${part} `)
        const starts = cutsOf(all)
        const cuts = cutsOf(splitText(all.join(''), given).map(({ source }) => source))
        for (const [index, part] of all.entries()) {
          if (!/[@#<:`[]/.test(part)) continue
          const start = starts[index - 1] ?? 0
          assert.ok(!cuts.some((cut) => start < cut && cut < start + part.length - 1), `${part} is cut`)
        }
      }),
    )
    const long = `see https://example.org/${'x'.repeat(600)} there`
    assert.deepEqual(
      splitText(long, { maxText: 256, unit: 'utf-16', markup: 'plain' }).map(({ source }) => source.length),
      [4, 256, 256, 114],
    )
  })

  it('leaves no block of code open, and goes on with it in its language', () => {
    const well = fc
      .array(fc.oneof(fc.constantFrom('Some words.', 'And https://example.org/ more.', ''), block), { minLength: 5, maxLength: 30 })
      .map((parts) => parts.join('\n'))
    fc.assert(
      fc.property(well, traits, (whole, given) => {
        const pieces = splitText(whole, { ...given, markup: 'markdown' })
        let before = ''
        for (const piece of pieces) {
          assert.equal(openFence(piece.text), null)
          const open = openFence(before)
          if (open !== null && before.length > 0)
            assert.ok(piece.text.startsWith(`${open}\n`), `${JSON.stringify(piece.text.slice(0, 20))} goes on with ${open}`)
          before += piece.source
        }
      }),
    )
    const code = `Look:\n\`\`\`ts\n${'const a = 1\n'.repeat(40)}\`\`\`\nDone.`
    const pieces = splitText(code, { maxText: 256, unit: 'utf-16', markup: 'markdown' })
    assert.deepEqual(
      [pieces[0]?.text.slice(0, 13), pieces[0]?.text.slice(-16), pieces[1]?.text.slice(0, 18)],
      ['Look:\n```ts\nc', 'const a = 1\n```', '```ts\nconst a = 1\n'].map((each, index) => (index === 1 ? `\n${each}` : each)),
    )
    assert.equal(pieces.at(-1)?.text.endsWith('```\nDone.'), true)
    // Without markup, marks are text.
    assert.ok(splitText(code, { maxText: 256, unit: 'utf-16', markup: 'plain' }).every(({ text: each, source }) => each === source))
  })

  it('is cut where a reader would', () => {
    const paragraph = `${'word '.repeat(30).trim()}.`
    const given = { maxText: 256, unit: 'utf-16', markup: 'plain' } as const
    const starts = (whole: string) => splitText(whole, given).map(({ source }) => source.slice(0, 6))
    assert.deepEqual(starts(`${paragraph}\n\nSecond ${paragraph}`), ['word w', 'Second'])
    assert.deepEqual(starts(`${paragraph}\nSecond ${paragraph}`), ['word w', 'Second'])
    assert.deepEqual(starts(`${paragraph} Second ${paragraph}`), ['word w', 'Second'])
    assert.ok(splitText('word '.repeat(200), given).every(({ source }) => source.endsWith(' ')))
  })

  it('is cut in time that grows with its length, whatever it is made of', () => {
    const given = { maxText: 16_384, unit: 'bytes', markup: 'markdown' } as const
    const hostile = ['@a ', '[[[[', '`', '``', '<<', '[a](', 'a.b-', 'a\u0301', '\u0301', '```\n', '\n \t', 'x@', '~~~\n~~~\n', '👩‍', 'http://', ' \u0308']
    const startedAt = process.cpuUsage().user
    for (const part of hostile) splitText(part.repeat(65_536 / part.length), given)
    const ms = (process.cpuUsage().user - startedAt) / 1000
    assert.ok(ms < 400 * hostile.length, `${ms} ms`)
  })
})
