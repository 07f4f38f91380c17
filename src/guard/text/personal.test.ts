import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPersonal, personalUnfinished, type PersonalKind } from './personal.ts'
import { replaceSpans } from './spans.ts'
import { cpuMs } from '../../std/cpu-time.ts'

const ALL: readonly PersonalKind[] = ['email', 'phone', 'iban', 'card', 'national-id']
const clean = (text: string, kinds = ALL) => replaceSpans(text, findPersonal(text, kinds))

const FOUND: readonly (readonly [kind: PersonalKind, text: string, instead: string])[] = [
  ['email', 'ann@mail.example', '[e-mail address]'],
  ['email', 'müller+x@bücher.example', '[e-mail address]'],
  ['phone', '+49 30 901820', '[phone number]'],
  ['phone', '+1 (555) 123-4567', '[phone number]'],
  ['phone', '(030) 901820', '[phone number]'],
  ['phone', '555-123-4567', '[phone number]'],
  ['iban', 'DE89 3704 0044 0532 0130 00', '[account number]'],
  ['iban', 'GB29NWBK60161331926819', '[account number]'],
  ['card', '4111 1111 1111 1111', '[card number]'],
  ['card', '378282246310005', '[card number]'],
  ['national-id', '12345678Z', '[personal number]'],
  ['national-id', 'RSSMRA85T10A562S', '[personal number]'],
  ['national-id', '2 55 08 14 168 025 38', '[personal number]'],
  ['national-id', '86095742719', '[personal number]'],
  ['national-id', '44051401359', '[personal number]'],
  ['national-id', '529.982.247-25', '[personal number]'],
]

describe('personal data', () => {
  for (const [kind, text, instead] of FOUND) {
    it(`is found: ${kind} ${text}`, () => {
      assert.equal(clean(`It is ${text}, he said.`), `It is ${instead}, he said.`)
      assert.equal(clean(text, [kind]), instead)
      const others = ALL.filter((other) => other !== kind && !(kind === 'iban' && other === 'card'))
      if (kind === 'email' || kind === 'phone') assert.equal(clean(text, others), text, 'only the kinds that are wanted')
    })
  }

  it('has right checksums: a wrong digit is another number', () => {
    for (const text of ['DE89 3704 0044 0532 0130 01', '4111 1111 1111 1112', '12345678A', 'RSSMRA85T10A562T', '529.982.247-26'])
      assert.equal(clean(text, ['iban', 'card', 'national-id']), text)
  })

  const VALID: readonly (readonly [kind: PersonalKind, numbers: readonly string[]])[] = [
    [
      'iban',
      [
        'DE89 3704 0044 0532 0130 00',
        'GB29NWBK60161331926819',
        'FR14-2004-1010-0505-0001-3M02-606',
        'NO9386011117947',
        'MT84MALT011000012345MTLCAST001S',
        'LC55HEMM000100010012001200023015',
      ],
    ],
    [
      'card',
      [
        '4111111111111111',
        '4012-8888-8888-1881',
        '378282246310005',
        '3782 822463 10005',
        '5555555555554444',
        '2223003122003222',
        '6011 1111 1111 1117',
        '3530111333300000',
        '30569309025904',
        '38520000023237',
      ],
    ],
    [
      'national-id',
      [
        '12345678Z',
        '12345678-Z',
        'X1234567L',
        'Y1234567X',
        'Z1234567R',
        'RSSMRA85T10A562S',
        'MRTMTT91D08F205J',
        '2 55 08 14 168 025 38',
        '255081416802538',
        '86095742719',
        '47 036 892 816',
        '65929970489',
        '02070803628',
        '02270803624',
        '529.982.247-25',
        '111.444.777-35',
      ],
    ],
  ]

  it('has one right last character, and every other one is another number', () => {
    for (const [kind, numbers] of VALID) {
      for (const number of numbers) {
        const rest = number.slice(0, -1)
        const all = /\d$/.test(number) ? '0123456789' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
        const right = Array.from(all).filter((one) => clean(rest + one, [kind]) !== rest + one)
        assert.deepEqual(right, [number.at(-1)], number)
      }
    }
  })

  it('of Poland begins with a day of some month', () => {
    for (const begin of ['0200080362', '0213080362', '0233080362', '0207000362', '0207320362'])
      for (const last of '0123456789') assert.equal(clean(begin + last, ['national-id']), begin + last)
    for (const begin of ['0201010362', '0212310362', '0292310362']) {
      const right = Array.from('0123456789').filter((last) => clean(begin + last, ['national-id']) !== begin + last)
      assert.equal(right.length, 1, begin)
    }
  })

  it('of Germany holds some digit of the first ten twice, and of Poland no spaces', () => {
    for (const last of '0123456789') assert.equal(clean(`1234567890${last}`, ['national-id']), `1234567890${last}`)
    for (const text of ['27 319 860457', '19 703264 859', '72461 039 853', '25 108 673 496']) assert.equal(clean(text, ['national-id']), text)
  })

  it('has its form: lengths, beginnings and what may stand beside it', () => {
    for (const [kind, text] of [
      ['card', '1111111111111111'],
      ['card', '0000000000000000'],
      ['card', '1000000000000008'],
      ['card', '4444444444444444'],
      ['card', '9111111111111116'],
      ['card', '4111 1111-1111 1111'],
      ['card', '4111111111111111.5'],
      ['card', '0.4111111111111111'],
      ['iban', 'DE8937040044053201300'],
      ['iban', 'XDE89370400440532013000'],
      ['national-id', '111.111.111-11'],
      ['national-id', '000.000.000-00'],
      ['national-id', '529.982.247-33'],
      ['national-id', '00000000000'],
      ['national-id', '06095742719'],
      ['national-id', '000-12-3456'],
      ['national-id', '666-12-3456'],
      ['national-id', '900-12-3456'],
      ['national-id', '123-00-4567'],
      ['national-id', '123-45-0000'],
      ['national-id', '1-123-45-6789'],
      ['phone', '123'],
      ['phone', 'x+4930901820'],
      ['phone', '+123456'],
      ['email', 'bob@x'],
      ['email', '@x.example'],
    ] as const)
      assert.equal(clean(text, [kind]), text, text)
    assert.equal(clean('123-45-6789', ['national-id']), '[personal number]')
    assert.equal(clean('123-45-6789', ['phone']), '123-45-6789')
    assert.equal(clean('bob@x.example', ['phone']), 'bob@x.example')
    assert.equal(clean('a b', ALL), 'a b')
    assert.deepEqual(findPersonal('bob@x.example', []), [])
    assert.equal(clean('86095742719 4111111111111111 +49 30 901820 bob@x.example'), '[personal number] [card number] [phone number] [e-mail address]')
  })

  it('is found once, by the kind that is surest', () => {
    for (const text of ['+4111111111111111', 'DE89370400440532013000', '44051401359', '12345678901@x.example'])
      assert.equal(findPersonal(text, ALL).length, 1, text)
    assert.deepEqual(
      findPersonal('+378282246310005', ALL).map(({ text }) => text),
      ['[card number]'],
      'its form is that of a telephone number as well',
    )
    assert.equal(clean('bob@x.example4111111111111111'), '[e-mail address][card number]', 'one right after the other is another')
    assert.deepEqual(findPersonal('a bob@x.example', ['email']), [{ from: 2, until: 15, text: '[e-mail address]' }])
    assert.deepEqual(
      findPersonal('4111111111111111, +49 30 901820', ALL).map(({ from, until }) => [from, until]),
      [
        [0, 16],
        [18, 31],
      ],
    )
  })

  it('is waited for while it may go on', () => {
    for (const [text, held] of [
      ['', 0],
      ['hello ', 0],
      ['hello', 5],
      ['to bob@x', 5],
      ['to bob@x.example ', 0],
      ['to bob@x.example, ', 0],
      ['at +49 30', 6],
      ['at +49 30 ', 7],
      ['at (030) ', 6],
      ['DE89 3704', 9],
      ['x DE89 3704 ', 10],
      ['so 12:', 0],
    ] as const)
      assert.equal(personalUnfinished(text), held, text)
  })

  it('is not seen in dates, amounts, versions, addresses of machines and hashes', () => {
    for (const text of [
      '2026-11-25 12:00:30',
      '1,234,567.89',
      '3.14159265358979',
      '192.168.100.200',
      'v26.10.0',
      '550e8400-e29b-41d4-a716-446655440000',
      '0123456789abcdef0123456789abcdef',
      'see @ann at 10',
      '1732526400000 ms',
      '12 345 678',
    ])
      assert.equal(clean(text), text)
  })

  it('takes time in the length of the text', () => {
    for (const part of ['1', '1 ', 'a@', 'a.', '+1', 'DE89 ', '(030) ', '4111-', '1.']) {
      const ms = cpuMs(() => findPersonal(part.repeat(Math.ceil(65_536 / part.length)), ALL))
      assert.ok(ms < 400, part)
    }
  })
})
