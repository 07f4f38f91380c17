/** Links by themselves; with the checkpoint around them they are tried in test/security/text-edges.test.ts and text-replies.test.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressUnfinished, defanged, destinationUnfinished, hostIn, inertAddresses, inertDestinations, type Link, type MayStand } from './links.ts'
import { replaceSpans } from './spans.ts'

const all: MayStand = () => true
const none: MayStand = () => false
const destinations = (text: string, mayStand = none, offset = 0) => replaceSpans(text, inertDestinations(text, offset, [], mayStand), offset)
const addresses = (text: string, mayStand = none) => replaceSpans(text, inertAddresses(text, 0, mayStand))
const linksIn = (text: string): readonly string[] => {
  const links: Link[] = []
  inertDestinations(text, 0, [], (link) => links.push(link) > 0)
  return links.map(({ kind, label, url }) => `${kind} ${label} ${String(url)}`)
}

describe('a link', () => {
  it('is told by what stands between its brackets, as far as it is looked for', () => {
    assert.deepEqual(linksIn('[a](/x) ![b](/x)\n[c]: /x'), ['link a null', 'image b null', 'definition c null'])
    const long = 'a'.repeat(299)
    assert.deepEqual(linksIn(`[${long}](/x)`), [`link ${long} null`])
    assert.deepEqual(linksIn(`[${long}a](/x)`), ['image  null'], 'where it begins cannot be seen, so it may be fetched without a click')
    assert.deepEqual(linksIn(`${'b'.repeat(1000)} [${long}](/x)`), [`link ${long} null`])
    assert.deepEqual(linksIn(`${'b'.repeat(1000)} [${long}a](/x)`), ['image  null'])
  })

  it('is a definition where its label begins the line, whatever stood on others', () => {
    assert.deepEqual(linksIn('words\n[a]: /x'), ['definition a null'])
    assert.deepEqual(linksIn(`words\n${'> '.repeat(200)}[a]: /x`), ['definition a null'])
    assert.deepEqual(linksIn('words [a]: /x'), [])
    assert.deepEqual(linksIn('words\nwords [a]: /x'), [])
  })

  it('may begin in what left before', () => {
    assert.equal(destinations('[a](/x)', none, 3), ' (/x)')
    assert.equal(destinations('[a](/x)', none, 2), '] (/x)')
    assert.equal(destinations('[a](/x)', none, 4), '/x)', 'its destination has begun, and cannot be judged any more')
    assert.equal(destinations('[a](/x) [b](/y)', none, 7), ' [b] (/y)')
  })

  it('is no link within code', () => {
    const text = '[a](/x) [b](/x) [c](/x)'
    assert.equal(replaceSpans(text, inertDestinations(text, 0, [[8, 11]], none)), '[a] (/x) [b](/x) [c] (/x)')
    assert.equal(replaceSpans(text, inertDestinations(text, 0, [[8, 10]], none)), '[a] (/x) [b] (/x) [c] (/x)', 'its bracket is outside')
    assert.equal(replaceSpans(text, inertDestinations(text, 0, [[10, 11]], none)), '[a] (/x) [b](/x) [c] (/x)')
  })

  it('never stands where its destination would run code for a renderer that looks for the closing bracket alone', () => {
    assert.equal(destinations('[a](java script:x)', all), '[a] (java script:x)')
    assert.equal(destinations('[a](java script:x', all), '[a](java script:x', 'there is no closing bracket')
    assert.equal(destinations('[a](java) script:x)', all), '[a](java) script:x)', 'it ends before')
    assert.equal(destinations('[a]: java script:x)', all), '[a]: java script:x)', 'a definition has none')
  })

  it('ends where its bracket does, also after a backslash at the very end', () => {
    assert.equal(destinations('[a](b\\'), '[a] (b\\')
    assert.equal(destinations('[a](<b c'), '[a] (b c')
    assert.equal(destinations('[a]('), '[a](')
  })
})

describe('an address', () => {
  it('never stands where it cannot be read, or only looks like one', () => {
    for (const [text, inert] of [
      ['https://%zz/x', 'https[:]//%zz/x'],
      ['https://[/x', 'https[:]//[/x'],
      ['http\u017f://evil.example/x', 'http\u017f[:]//evil[.]example/x'],
      ['http\u017f:evil.example/x', 'http\u017f:evil[.]example/x'],
      ['\u212aa://evil.example/x', '\u212aa[:]//evil[.]example/x'],
    ] as const)
      assert.equal(addresses(`see ${text} now`, all), `see ${inert} now`)
    assert.equal(addresses('see https://good.example/x now', all), 'see https://good.example/x now')
  })

  it('has an ending that programs make a link of', () => {
    for (const [text, isOne] of [
      ['evil.a/x', false],
      ['evil.ab/x', true],
      ['a.foo.md/', true],
      ['a.foo.md#x', true],
      ['a.foo.md', false],
      ['foo.md/', false],
      ['foo.md/x', true],
    ] as const)
      assert.equal(addresses(text) !== text, isOne, text)
  })

  it('is in a label, or is not', () => {
    for (const [label, host] of [
      ['https://good.example/page', 'good.example'],
      ['see http://good.example:81 now', 'good.example:81'],
      ['good.example', 'good.example'],
      ['evil.abcd', null],
      ['evil.abcd/x', 'evil.abcd'],
      ['README.md', null],
      ['https://%zz/x', null],
      ['http\u017f://a.example', null],
      ['words', null],
      ['', null],
    ] as const)
      assert.equal(hostIn(label), host, label)
  })

  it('is readable when no program opens it', () => {
    assert.equal(defanged('https://u@evil.example/x](y'), 'https[:]//u[@]evil[.]example/x] (y')
    assert.equal(defanged('mailto:a@b.example'), 'mailto[:]a[@]b[.]example')
  })
})

describe('the end of a text that is not complete', () => {
  it('is kept back while it may become a destination', () => {
    const inline = (rest: string) => `](${rest}`
    for (const [text, held] of [
      ['', 0],
      ['a', 0],
      ['a]', 1],
      ['a] b', 0],
      ['a][b', 0],
      ['[a](', 2],
      ['[a](x y', 5],
      ['[a](x)', 0],
      ['[a](x\n \n', 0],
      ['[a](x\n \n y', 0],
      ['[a]:', 2],
      ['[a]: ', 3],
      ['[a]: x', 4],
      ['[a]: x y', 0],
      ['[a]:\n', 3],
      ['[a]:\n\n', 0],
      ['[a]:\r', 0],
      ['[a]: <a b', 7],
      ['[a]: <a b>', 0],
      ['[a]: <a b\n', 0],
      ['[a]: a<', 5],
      [inline(`x ${'y'.repeat(253)}`), 257],
      [inline(`x ${'y'.repeat(254)}`), 0],
      [inline(`x ${'y'.repeat(255)}`), 0],
      [inline('x'.repeat(300)), 302],
      [inline('x'.repeat(2046)), 2048],
      [inline('x'.repeat(2047)), 0],
      [`]: ${' '.repeat(99)}`, 102],
      [`]: ${' '.repeat(300)}`, 0],
    ] as const)
      assert.equal(destinationUnfinished(text), held, JSON.stringify(text.slice(0, 40)))
  })

  it('is kept back while it may become an address', () => {
    assert.equal(addressUnfinished('see good.exa'), 8)
    assert.equal(addressUnfinished('see '), 0)
    assert.equal(addressUnfinished('x'.repeat(3000)), 2048)
  })
})
