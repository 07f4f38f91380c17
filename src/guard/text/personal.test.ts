import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPersonal, type PersonalKind } from './personal.ts'
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
