/** Which hosts and addresses a reply may lead to, and what just does not make one known. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KnownLinks } from '../../src/guard/provenance/known-links.ts'
import { Conversation } from '../doubles/conversation.ts'

const knows = (talk: Conversation, address: string, hosts: readonly string[] = []) => {
  const links = new KnownLinks(talk.evidence, hosts)
  return [links.knowsHost(new URL(address)), links.knowsAddress(new URL(address))]
}
const hears = (text: string) => new Conversation().says(text)
const BOTH = [true, true]
const NONE = [false, false]

describe('known links', () => {
  it('are those that the owner configured, by the very host or below it', () => {
    const configured = (address: string) => knows(hears('Hello'), address, ['A.example', '*.docs.example'])
    for (const address of ['https://a.example/x', 'https://x.docs.example/y']) assert.deepEqual(configured(address), BOTH, address)
    for (const address of ['https://b.example/', 'https://x.a.example/', 'https://docs.example/', 'https://evildocs.example/'])
      assert.deepEqual(configured(address), NONE, address)
  })

  it('are those of the owner and of trusted results, a host wherever on it and an address as it is', () => {
    const says = hears('Look at https://a.example/x and https://b.example/?q=1, c.example').says('Thanks')
    assert.deepEqual(knows(says, 'https://a.example/x'), BOTH)
    assert.deepEqual(knows(says, 'https://a.example/y'), [true, false])
    assert.deepEqual(knows(says, 'https://b.example/'), [true, false])
    assert.deepEqual(knows(says, 'https://c.example/'), BOTH)
    assert.deepEqual(knows(says, 'https://a.example.evil.example/x'), NONE)
    assert.deepEqual(knows(hears('Hello').did('profile_read', {}, 'see https://a.example/x'), 'https://a.example/x'), BOTH)
    assert.deepEqual(knows(hears('Hello').did('mail_search', {}, 'see https://a.example/x'), 'https://a.example/x'), NONE)
    const granted = hears('Hello')
    granted.evidence.grant(['https://a.example'])
    assert.deepEqual(knows(granted, 'https://a.example/'), BOTH)
  })

  it('are none where a result only says again what the model had sent; the owner may', () => {
    const sent = hears('Hello').did('note_write', { text: 'https://a.example/x' }, 'saved')
    assert.deepEqual(knows(sent, 'https://a.example/x'), NONE)
    assert.deepEqual(knows(sent.did('note_read', {}, 'https://a.example/x'), 'https://a.example/x'), NONE)
    assert.deepEqual(knows(sent.says('Open https://a.example/x'), 'https://a.example/x'), BOTH)
  })

  it('are those where a deed went, not those that a text or a look inside held', () => {
    const address = 'https://a.example/x'
    const did = (name: string, input: Parameters<Conversation['did']>[1]) => knows(hears('Hello').did('mail_search', {}, 'x').did(name, input, 'done'), address)
    assert.deepEqual(did('page_fetch', { url: address }), BOTH)
    assert.deepEqual(did('send_parcel', { address, note: 'x' }), BOTH)
    assert.deepEqual(did('mail_search', { query: address }), NONE)
    assert.deepEqual(did('page_fetch', { url: address.padEnd(2047) }), BOTH)
    assert.deepEqual(did('page_fetch', { url: address.padEnd(2048) }), NONE, 'what is as long as a text is no place')
    assert.deepEqual(did('send_mail', { to: [], text: `see ${address} there` }), NONE)
    assert.deepEqual(did('page_fetch', { url: 'https://b.example/' }), NONE)
    assert.deepEqual(did('page_fetch', { url: 'https://me@b.example' }), NONE, 'an address that holds no link leads nowhere')
  })

  it('stay known when their words are forgotten, and become known when they are said', () => {
    const talk = hears('Look at https://a.example/x')
    const links = new KnownLinks(talk.evidence, [])
    const ask = () => [new URL('https://a.example/x'), new URL('https://b.example/x')].map((url) => links.knowsAddress(url))
    assert.deepEqual(ask(), [true, false])
    for (let index = 0; index < 2001; index++) talk.says('hm')
    assert.deepEqual(ask(), [true, false])
    talk.says('And https://b.example/x')
    assert.deepEqual(ask(), [true, true])
  })
})
