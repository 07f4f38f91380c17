import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decodeEntities } from './entities.ts'
import { readable } from './readable.ts'
import { tokenize } from './tokens.ts'
import { cpuMs } from '../../std/cpu-time.ts'

const base = new URL('https://site.example/docs/page?x=1')
const textOf = (html: string) => readable(html, base).text

describe('readable text of a page', () => {
  it('is title, headings, paragraphs, lists, tables and links', () => {
    const html = `<!DOCTYPE html><html><head><title> The &lt;page&gt;
      of all </title><style>p{color:red}</style><script>alert("<p>no</p>")</script></head><body>
      <h1>Top <em>heading</em></h1><p>First   paragraph,<br>second line.<p>Second with <a href="../other?a=1&amp;b=2#part">a link</a>.</p>
      <ul><li>one<li><p>two</p><ul><li>deeper</li></ul></li></ul><ol><li>first</li><li>second</li></ol>
      <table><tr><th>Name<th>Age</tr><tr><td>Ada</td><td>36</td></tr></table>
      <pre>  kept
    as   is</pre><blockquote>quoted</blockquote><img alt="a picture" src=x.png><h2>End</h2></body></html>`
    assert.deepEqual(readable(html, base), {
      title: 'The <page> of all',
      text: [
        '# Top heading',
        'First paragraph,\nsecond line.',
        'Second with a link (https://site.example/other?a=1&b=2#part).',
        '- one\n- two\n  - deeper',
        '1. first\n2. second',
        'Name | Age\nAda | 36',
        '  kept\n    as   is',
        'quoted',
        '[a picture]',
        '## End',
      ].join('\n\n'),
    })
  })

  it('leaves out what is not shown', () => {
    for (const hidden of [
      '<script>secret</script>',
      '<SCRIPT type=x>secret</ScRiPt >',
      '<script>"</scriptx>secret"</script>',
      '<style>secret</style>',
      '<template><p>secret</p></template>',
      '<noscript>secret</noscript>',
      '<svg><title>secret</title><text>secret</text></svg>',
      '<iframe>secret</iframe>',
      '<!-- secret -->',
      '<!-- <p> > secret -->',
      '<?php secret ?>',
      '<p hidden>secret</p>',
      '<div hidden=""><div>secret</div>secret</div>',
      '<p aria-hidden="TRUE">secret</p>',
      '<p style="color: red; display : none">secret</p>',
      '<p style=visibility:hidden>secret</p>',
      '<p style="font-size:0px">secret</p>',
      '<p style="opacity: 0">secret</p>',
      '<p style="display&#58;none">secret</p>',
      '<select><option>secret</select>',
      '<dialog>secret</dialog>',
      '<input type=hidden value=secret>',
    ]) {
      assert.equal(textOf(`<p>before</p>${hidden}<p>after</p>`), 'before\n\nafter', hidden)
    }
    assert.equal(textOf('<p hidden>no<p>yes'), 'yes', 'a paragraph ends where the next begins')
    assert.equal(textOf('<p style="opacity:0.5;font-size:0.9em">yes</p>'), 'yes')
    assert.equal(textOf('<dialog open>yes</dialog>'), 'yes')
    assert.equal(textOf('<p>yes</p><br hidden><p>yes'), 'yes\n\nyes')
  })

  it('takes what browsers take', () => {
    assert.equal(textOf('a < b and <3, </> and </ x> <p'), 'a < b and <3, and')
    assert.equal(textOf('<p class=a title="x > y">text</p>'), 'text')
    assert.equal(textOf("<a/href='/x'>t</a>"), 't (https://site.example/x)')
    assert.equal(textOf('<a href=/one href=/two>t</a>'), 't (https://site.example/one)')
    assert.equal(textOf('<a href="/x>unclosed'), '')
    assert.equal(textOf('<!-->shown<!--->too<!-- never'), 'showntoo')
    assert.equal(textOf('<textarea><b>text</b></textarea>'), '<b>text</b>')
    assert.equal(textOf('one<b>two</b>three <i>four</i>\n five'), 'onetwothree four five')
    assert.equal(textOf('<li>a<li>b'), '- a\n- b')
    assert.equal(textOf('<h2></h2><p>x'), 'x')
    assert.equal(textOf('tab\there\u00A0and\u0000\u0007there soft\u00ADhyphen'), 'tab here andthere softhyphen')
  })

  it('writes out links that lead somewhere, once', () => {
    assert.equal(
      textOf('<a href="https://a.example/">https://a.example/</a> <a href="https://a.example">https://a.example</a>'),
      'https://a.example/ https://a.example',
    )
    for (const href of ['javascript:alert(1)', 'data:text/html,x', '#part', '', ' ', 'https://[', `https://a.example/${'x'.repeat(3000)}`]) {
      assert.equal(textOf(`<a href="${href}">t</a>`), 't', href.slice(0, 40))
    }
    assert.equal(textOf('<a href="/a"></a>x'), 'x')
    assert.equal(textOf('<a href=/a>one<a href=/b>two'), 'one (https://site.example/a)two (https://site.example/b)')
    assert.equal(textOf('<a href="mailto:a@b.example">mail</a>'), 'mail (mailto:a@b.example)')
  })

  it('decodes character references', () => {
    assert.equal(decodeEntities('&amp;lt; &AMP; &eacute;&Eacute; &#228;&#xE4;&#XE4; &euro; &hellip; &nbsp;|&yuml;'), '&lt; & éÉ äää € … \u00A0|ÿ')
    assert.equal(decodeEntities('&#0;&#xD800;&#x110000;&#128;&#9999999;'), '\uFFFD\uFFFD\uFFFD€\uFFFD')
    assert.equal(decodeEntities('AT&T &unknown; & &; &# &#x; &amp'), 'AT&T &unknown; & &; &# &#x; &')
  })
})

const markup = fc.constantFrom(
  ...'< > </ /> <!-- --> <! <? " \' = & &# ; <p> </p> <ul> <li> </ul> </a> <pre> <script> </script> </div> <title> </title> <td> <svg> x ü 𝒳'.split(' '),
  ...[' ', '\n', '\u0000', '\uD800', '<a href="/x">', '<a href=', '<p hidden>', '<div style="display:none">'].values(),
)
const soup = fc.oneof(
  fc.array(markup, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string(),
)

describe('any input', () => {
  it('gives text without control characters, lonely blanks and more than one empty line', () => {
    fc.assert(
      fc.property(soup, (html) => {
        const { text, title } = readable(html, base)
        assert.doesNotMatch(text + title, /[^\P{Cc}\t\n]/u)
        assert.doesNotMatch(text, /\n{3}/)
        assert.ok(title.length <= 300)
      }),
      { numRuns: 1000 },
    )
  })

  it('is cut into tokens that say no more than the input, in order', () => {
    fc.assert(
      fc.property(soup, (html) => {
        let at = 0
        for (const token of tokenize(html)) {
          const written = token.kind === 'text' ? token.text : token.name
          const found = html.toLowerCase().indexOf(written.toLowerCase(), at)
          assert.ok(found >= at, JSON.stringify([html, token.kind, written]))
          at = found + written.length
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps text without markup, but for its white space', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 })
    fc.assert(fc.property(words, fc.constantFrom(' ', '\n', ' \t\r\n '), (parts, space) => assert.equal(textOf(parts.join(space)), parts.join(' '))))
  })

  it('never shows what a hidden element holds, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('<b>', '</b>', '<p>', '</p>', '<i x="', '">', 'x', '<br>', '<ul><li>', '</ul>'), { maxLength: 20 }), (parts) => {
        const inner = parts.join('canary ').replaceAll(/<i x="[^"]*$/g, '')
        assert.doesNotMatch(textOf(`<div hidden>${inner}canary</div>after`), /canary/)
      }),
    )
  })

  it('takes time in proportion to its length, also when it was made to take more', () => {
    // A hundred times what they take; with a square in it they would take minutes.
    for (const piece of hostile) {
      const html = piece.repeat(500_000 / piece.length)
      const ms = cpuMs(() => readable(html, base))
      assert.ok(ms < 3000, `${JSON.stringify(piece)}: ${ms.toFixed(0)} ms`)
    }
  })

  it('stops where nobody reads on', () => {
    assert.ok(textOf('<p>paragraph'.repeat(100_000)).length < 110_000)
    const links = textOf('<a href=/x>y</a> '.repeat(6000))
    assert.ok(links.length < 110_000)
  })
})

const hostile = [
  ...[
    '<',
    '<a ',
    '<a b="',
    "<a b='",
    '<!--',
    '<!',
    '</',
    '<script>',
    '<a href=/x>',
    '<a href=/x>y</a>',
    '<ul><li>',
    '<p hidden>',
    '&#',
    '&amp',
    '<a =',
    '<a /',
    '<pre>\n',
  ].values(),
  ...['<title>', ' ', '<td>', '<p style="opacity:0  ', '<b><i>x', '<a href=\'x"', '\n<pre> ', '<li>\n\n'].values(),
]
