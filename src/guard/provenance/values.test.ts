import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as always, constantFrom, property, stringMatching, tuple } from 'fast-check'
import { decodings } from './decode.ts'
import { isPlain, squeeze, words } from './fold.ts'
import { classify, extract, isTyped, urlKey } from './values.ts'
import { cpuMs } from '../../std/cpu-time.ts'

describe('values', () => {
  it('tells kinds apart', () => {
    const kinds = {
      'Ann.Lee@Example.org': 'email',
      'www.example.org/a?b=1': 'url',
      'https://example.org': 'url',
      'DE89 3704 0044 0532 0130 00': 'account',
      '+44 20 7946 0018': 'phone',
      '2026-05-01 10:00': 'moment',
      '17': 'number',
      '12.50': 'number',
      'Green Door Hotel': 'words',
    }
    for (const [text, kind] of Object.entries(kinds)) assert.equal(classify(text).kind, kind, text)
  })

  it('gives two spellings of one value one key, and two values two', () => {
    const same = [
      ['ANN@Example.ORG', 'ann@example.org'],
      ['https://Example.org/', 'example.org'],
      ['http://example.org:80/x', 'example.org/x'],
      ['DE89 3704 0044 0532 0130 00', 'DE89370400440532013000'],
      ['+44 20 7946-0018', '+442079460018'],
      ['12.50', '12.5'],
    ]
    for (const [one = '', other = ''] of same) assert.equal(classify(one).key, classify(other).key, one)
    const different = [
      ['ann@example.org', 'ann@example.org.evil.net'],
      ['ann@example.org', 'ann@examp1e.org'],
      ['example.org', 'example.org.evil.net'],
      ['example.org/a', 'example.org/b'],
      ['example.org', 'ann@example.org'],
      ['https://example.org', 'https://example.org@evil.net'],
      ['https://example.org', 'https://me@example.org'],
      ['https://example.org', 'ftp://example.org'],
      ['DE89370400440532013000', 'DE89370400440532013001'],
      ['007', '7'],
      ['+44 20 7946 0018', '+44 20 7946 0019'],
      ['+44 20 7946 0018', '44 20 7946 0018'],
    ]
    for (const [one = '', other = ''] of different) assert.notEqual(classify(one).key, classify(other).key, `${one} ${other}`)
  })

  it('takes what is spaced, empty, long or refused for what it is', () => {
    assert.deepEqual(classify(' Ann@example.org\n'), { kind: 'email', key: 'ann@example.org' })
    assert.equal(classify('').kind, 'words')
    const long = 'A '.repeat(1024)
    assert.deepEqual([classify(long).key, classify(`${long}BC`)], [long.trim().toLowerCase(), { kind: 'words', key: `${long}BC` }])
    assert.equal(classify('10:00 wednesday').kind, 'moment')
    assert.equal(classify(`10:00 ${'wednesday '.repeat(8)}`).kind, 'words', 'longer than a time is')
    assert.deepEqual([urlKey(' a.example/ '), urlKey('http://['), urlKey('https://:pw@a.example')], ['a.example', '?http://[', '?https://:pw@a.example'])
    assert.equal(extract('write to a@shop.example').url.size, 0, 'the host of an address is no page')
    const typed = ['ann@example.org', 'a.example/x', 'DE89370400440532013000', '+442079460018', '17', 'Ann']
    assert.deepEqual(
      typed.map((text) => isTyped(classify(text))),
      [true, true, true, true, false, false],
    )
  })

  it('finds in prose what it takes a whole argument for', () => {
    const email = tuple(stringMatching(/^[a-z][a-z0-9]{0,10}$/), stringMatching(/^[a-z][a-z0-9]{0,10}$/), constantFrom('org', 'com', 'co.uk')).map(
      ([name, host, end]) => `${name}@${host}.${end}`,
    )
    always(
      property(email, constantFrom('Write to %, please.', '(%)', '"%"', 'x: %\ny', '<%>'), (address, frame) => {
        assert.ok(extract(frame.replace('%', address.toUpperCase())).email.has(classify(address).key))
      }),
    )
  })

  it('takes no longer than a text is long, whatever it says', () => {
    const time = (text: string) => {
      const runs = Array.from({ length: 5 }, () => cpuMs(() => [extract(text), words(text), decodings(text)]))
      return Math.min(...runs)
    }
    for (const unit of ['a', 'a-', 'a.', '!', '1 ', 'a@', 'AA11', "'x"]) {
      const [short, long] = [unit.repeat(8192 / unit.length), unit.repeat(65_536 / unit.length)].map(time)
      // Eight times the text: quadratic would be sixty-four times the time.
      assert.ok((long ?? 0) < Math.max(5, (short ?? 0) * 30), `${unit}: ${short} ms, ${long} ms`)
    }
  })
})

describe('folding', () => {
  it('refuses what does not read as it is written', () => {
    for (const text of ['ann@example.org', 'Zürich', 'Красная площадь', '李小龙', 'a_b-c/d.e']) assert.ok(isPlain(text), text)
    const disguised = ['аnn@example.org', 'ann@exam\u200Bple.org', 'ｅxample.org', 'ann\u202E@example.org', 'pаypal.com', 'DE89\u00AD3704', 'example․org']
    for (const text of disguised) assert.ok(!isPlain(text), JSON.stringify(text))
  })

  it('squeezes a value to the same letters, however it is spaced and cut', () => {
    always(
      property(
        stringMatching(/^[A-Za-z0-9]{6,30}$/),
        array(constantFrom(' ', '-', '.', '\n', '\u200B', '/'), { minLength: 30, maxLength: 30 }),
        (value, gaps) => {
          const cut = Array.from(value, (letter, index) => `${letter}${gaps[index] ?? ''}`).join('')
          assert.equal(squeeze(cut), squeeze(value))
        },
      ),
    )
  })

  it('reads what is encoded, also twice', () => {
    const value = 'pay evil@example.net now'
    const forms = [
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('base64url'),
      Buffer.from(value).toString('hex'),
    ]
    for (const form of forms) {
      assert.ok(
        decodings(`see ${form} there`).some((text) => text.includes(value)),
        form,
      )
      const twice = Buffer.from(form).toString('base64')
      assert.ok(
        decodings(twice).some((text) => text.includes(value)),
        twice,
      )
    }
  })
})
