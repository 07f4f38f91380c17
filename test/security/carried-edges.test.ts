/** What may leave inside a text: both sides of each rule, and what a decoder reads of the ways to hide a value. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { carriedIdentifier, carriedLink, outgoing } from '../../src/guard/provenance/carried.ts'
import { decodings } from '../../src/guard/provenance/decode.ts'
import { Conversation } from '../doubles/conversation.ts'

const IBAN = 'GB29NWBK60161331926819'
const SHOP = 'https://shop.example/x'
const NOWHERE = 'nothing in this conversation says it'
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64')
const hex = (text: string) => Buffer.from(text).toString('hex')

describe('links and accounts in what is sent', () => {
  const link = (talk: Conversation, ...texts: readonly string[]) => carriedLink(outgoing(texts), talk.evidence)

  it('are told with the stranger’s text that gives them, not with an echo of the model', () => {
    const talk = new Conversation().did('note_write', { text: SHOP }, 'saved').did('note_read', {}, SHOP).did('mail_search', {}, `see ${SHOP}`)
    assert.deepEqual(link(talk, `look: ${SHOP}`), { value: 'shop.example/x', evidence: 'it is in a result of mail_search' })
    const echo = new Conversation().did('note_write', { text: SHOP }, 'saved').did('note_read', {}, SHOP)
    assert.deepEqual(link(echo, SHOP), { value: 'shop.example/x', evidence: NOWHERE })
  })

  it('that nobody gave are held where they are certain to be some', () => {
    const talk = new Conversation()
    assert.deepEqual(link(talk, `pay to ${IBAN}`), { value: IBAN, evidence: NOWHERE })
    for (const text of ['met.afterwards/x', 'HTTPS://met.afterwards', 'shop.com', 'www.met.afterwards', 'met.afterwards:81'])
      assert.equal(link(talk, text)?.evidence, NOWHERE, text)
    assert.equal(link(talk, 'We met.Afterwards we ate'), null, 'two words without a space')
  })

  it('pass where the owner granted them, or a deed that went through led there', () => {
    const granted = new Conversation()
    granted.evidence.grant([SHOP])
    assert.equal(link(granted, SHOP), null)
    assert.notEqual(link(granted, `${SHOP}/y`), null)
    const looked = new Conversation().did('mail_search', { query: 'x' }, 'nothing').did('page_fetch', { url: SHOP }, 'a page')
    assert.equal(link(looked, SHOP), null)
    const paid = new Conversation().did('mail_search', { query: 'x' }, 'nothing').did('pay', { account: IBAN, reference: 'rent' }, 'done')
    assert.equal(link(paid, IBAN), null)
    const mentioned = new Conversation().did('send_mail', { to: [], text: `tell me what you think of ${SHOP}` }, 'sent')
    assert.notEqual(link(mentioned, SHOP), null, 'a text that held it did not go there')
    assert.notEqual(link(new Conversation().did('note_write', { text: SHOP }, 'saved'), SHOP), null, 'a note goes nowhere')
  })
})

describe('identifiers in what is sent', () => {
  const found = (talk: Conversation, ...texts: readonly string[]) => carriedIdentifier(outgoing(texts), talk.evidence)
  const knows = (text: string) => new Conversation().says('Send a mail').did('profile_read', {}, text)

  it('are found whole from six letters and digits, and however they are written from eight', () => {
    assert.deepEqual(found(knows('id AB1234'), 'AB1234'), { value: 'AB1234', evidence: 'it is in a result of profile_read' })
    assert.notEqual(found(knows('id AB1234'), 'hello', 'it is AB1234.'), null)
    assert.notEqual(found(knows('id HGK13780'), 'HGK 13780'), null)
    assert.equal(found(knows('id AB12345'), '99AB1234567'), null, 'a part of a longer number')
    assert.equal(found(knows('id a-b-1-2'), 'a-b-1-2'), null, 'fewer letters and digits, however far apart, identify nobody')
    assert.notEqual(found(knows('id HGK137803'), `HGK137803 ${hex('ab!c')}`), null, 'what is short beside it hides nothing')
  })

  it('are found backwards, turned by half the alphabet, and in letters of others', () => {
    assert.notEqual(found(knows('id ANZ137803'), 'nam137803'), null)
    assert.notEqual(found(knows('id ANZ137803'), '308731ZNA'), null)
    for (const text of ['АВК137803', 'ΑΒΚ137803', 'авк 137803 ж']) assert.notEqual(found(knows('id ABK137803'), text), null, text)
    assert.equal(found(knows('id ABK137803'), 'жжж137803'), null)
  })

  it('are none where they are no secret: of a page, a date, his own words, granted', () => {
    const page = new Conversation().says('Send a mail').did('page_fetch', { url: SHOP }, 'id HGK137803')
    assert.equal(found(page, 'HGK137803'), null)
    assert.equal(found(knows('on 2026-05-01'), 'see you on 2026-05-01'), null)
    assert.equal(found(knows('id HGK137803').says('it is HGK-137803'), 'HGK137803'), null)
    const granted = knows('id HGK137803')
    granted.evidence.grant(['hgk137803'])
    assert.equal(found(granted, 'HGK137803'), null)
  })

  it('are put together over calls also when they went out whole long before', () => {
    const sent = (talk: Conversation, text: string) => talk.did('send_mail', { to: [], text }, 'sent')
    const talk = sent(sent(knows('id HGK137803'), 'HGK137803'), `${'y'.repeat(70)}HGK13`)
    assert.notEqual(found(talk, '7803'), null)
  })

  it('are looked for up to a number that is bounded', () => {
    const all = Array.from({ length: 5001 }, (_, index) => `AB${100_000 + index}`)
    const talk = knows(all.join(' '))
    assert.notEqual(found(talk, all[4999] ?? ''), null)
    assert.equal(found(talk, all[5000] ?? ''), null)
  })
})

describe('what a decoder reads', () => {
  it('is text of four letters at least, and no word of small letters', () => {
    assert.ok(decodings(hex('ab!c')).includes('ab!c'))
    assert.deepEqual(decodings('c3a9c3a9'), [])
    assert.deepEqual(decodings('akdoakdo'), [], 'would read as jGhjGh')
    assert.deepEqual(decodings(base64(Uint8Array.of(1, 2, 3, 4, 5, 6, 0x90))), [])
  })

  it('is hex only where the whole word is', () => {
    const word = hex('ab!cd?')
    assert.deepEqual(decodings(word), ['ab!cd?'])
    for (const other of [`${word}1`, `${word}zz`, `${word}zz1`]) assert.ok(!decodings(other).includes('ab!cd?'), other)
  })

  it('is no longer a list than its bound, with what is packed inside', () => {
    assert.equal(decodings(`${base64(base64('word one!'))} `.repeat(3000)).length, 1000)
  })

  it('unpacks what was packed with a window of any size', () => {
    for (const windowBits of [9, 12, 15]) assert.ok(decodings(base64(deflateSync('HGK137803', { windowBits }))).includes('HGK137803'), String(windowBits))
  })

  it('unpacks all known formats, all of them together to no more than a text', () => {
    const long = (letter: string) => `${letter} `.repeat(20_000)
    for (const pack of [gzipSync, deflateSync]) {
      assert.ok(decodings(`${hex('ab!c')} ${base64(pack(long('k')))}`).includes(long('k')), pack.name)
      const both = decodings(`${base64(pack(long('k')))} ${base64(pack(long('m')))}`, 1)
      assert.deepEqual([both.includes(long('k')), both.includes(long('m'))], [true, false], pack.name)
    }
  })
})
