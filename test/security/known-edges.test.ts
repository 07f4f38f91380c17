/** How a value becomes known: each rule with what it takes, and what is just not enough. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '../../src/contracts/json.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { AnyTool, ToolManifest } from '../../src/contracts/tool.ts'
import { Evidence } from '../../src/guard/provenance/evidence.ts'
import { addressed, judgeDestinations } from '../../src/guard/provenance/judge-call.ts'
import { isHisOwn, isLinked } from '../../src/guard/provenance/linked.ts'
import { asksForReply, isAskedFor, isNamed, nounsOf, ownerPieces, possessions, speaksOfKind } from '../../src/guard/provenance/owner-words.ts'
import { argument, isIdentity, trace } from '../../src/guard/provenance/trace.ts'
import { Conversation, tools } from '../doubles/conversation.ts'

const EVIL = 'evil@attacker.example'
const ANN = 'ann@example.org'
const IBAN = 'GB29NWBK60161331926819'
const talk = (...says: readonly string[]) => says.reduce((all, text) => all.says(text), new Conversation())
const said = (...says: readonly string[]) => ownerPieces(talk(...says).evidence)

describe('what is the owner’s own', () => {
  const own = (says: string, name: string, text: string, profile: string) => {
    const { evidence } = talk(says).did('profile_read', {}, profile)
    return isHisOwn(argument(name, text), evidence, ownerPieces(evidence))
  }

  it('is called so, by a noun of four letters at least', () => {
    assert.ok(own('Send it to my address', 'address', ANN, `address: ${ANN}`))
    assert.ok(own('Send it to my email address', 'address', ANN, `address: ${ANN}`))
    assert.ok(own('Use my card', 'card', '4929', 'card: 4929'))
    assert.ok(!own('Use my tel', 'tel', '4929', 'tel: 4929'))
    assert.ok(!own('Send it to an address of my friend', 'address', ANN, `address: ${ANN}`))
    assert.ok(!own('Send it to my address', '', ANN, `address: ${ANN}`))
  })
})

describe('records that the owner named', () => {
  const linked = (tool: string, says: string | readonly string[], name: string, text: string, record: object, ...more: readonly object[]) => {
    const { evidence } = talk(...[says].flat()).did(tool, {}, JSON.stringify([record, ...more]))
    return isLinked(argument(name, text), evidence, ownerPieces(evidence))
  }

  it('are named by one field as a whole, of four to 120 letters', () => {
    const by = (title: unknown, says = `Delete "${String(title)}"`) => linked('profile_read', says, 'event_id', '77', { id: '77', title })
    assert.ok(by('Board Meeting'))
    assert.ok(by('Teas'))
    assert.ok(!by('Tea'))
    assert.ok(by('Lunch'), 'a word in a record of his own')
    assert.ok(by('notes.txt'))
    assert.ok(!by('123456'), 'a number is no name')
    assert.ok(!by(ANN), 'nor is an address')
    assert.ok(by(`Board ${'x'.repeat(114)}`))
    assert.ok(!by(`Board ${'x'.repeat(115)}`))
    assert.ok(!by(['Board Meeting', 'Tea Time'], 'Delete Board Meeting'), 'one of a list names nothing')
    assert.ok(!by('Board\nMeeting', 'Delete Board Meeting'), 'what goes on over lines is a text')
    assert.ok(!by('Other Meeting', 'Delete Board Meeting'))
  })

  it('must agree, as far as they bear the name by a field of their own', () => {
    const first = { id: '77', title: 'Board Meeting' }
    const both = (second: object) => linked('profile_read', 'Delete Board Meeting', 'event_id', '77', first, second)
    assert.ok(!both({ id: '78', title: 'Board Meeting' }))
    assert.ok(both({ id: '78', title: 'Other' }))
    assert.ok(both({ id: '78', titles: ['Board Meeting', 'x'] }))
    assert.ok(both({ title: 'Board Meeting' }))
  })

  it('give each element of a list', () => {
    const guests = { title: 'Board Meeting', guests: [ANN, EVIL] }
    assert.ok(linked('profile_read', 'Write to the guests of Board Meeting', 'to', ANN, guests))
    assert.ok(linked('profile_read', 'Write to the guests of Board Meeting', 'to', EVIL, guests))
  })

  it('of others give identities to identities, and a sender only where he wants him answered', () => {
    const mail = { id: '77', sender: EVIL, subject: 'Board Meeting', file: 'notes.txt' }
    const of = (says: string | readonly string[], name: string, text: string) => linked('mail_search', says, name, text, mail)
    assert.ok(of('Delete Board Meeting', 'event_id', '77'))
    assert.ok(of('Delete notes.txt', 'event_id', '77'))
    assert.ok(!of('Delete Board Meeting', 'slot', '77'))
    assert.ok(of('Reply to Board Meeting', 'to', EVIL))
    assert.ok(of(['Hello', 'Reply to Board Meeting'], 'to', EVIL))
    assert.ok(!of('Delete Board Meeting', 'to', EVIL))
    assert.ok(!of('Reply to Board Meeting', 'guest', EVIL), 'an answer goes to nobody else')
    assert.ok(!linked('mail_search', 'Reply to Board Meeting', 'to', EVIL, { subject: 'Board Meeting', cc: EVIL }))
    assert.ok(!linked('mail_search', 'Delete "Lunch"', 'event_id', '77', { id: '77', subject: 'Lunch' }), 'a word in a record of others')
  })

  it('of others give another field only into the argument of its name that he speaks of', () => {
    const of = (says: string | readonly string[], name: string, field: string) =>
      linked('mail_search', says, name, '4930111222333', { [field]: '4930111222333', subject: 'Board Meeting' })
    assert.ok(of('Call the phone in Board Meeting', 'phone', 'phone'))
    assert.ok(of(['Hello', 'Call the phone in Board Meeting'], 'phone', 'phone'))
    assert.ok(!of('Call whom Board Meeting names', 'phone', 'phone'))
    assert.ok(!of('Call the phone in Board Meeting', 'to', 'phone'))
    assert.ok(!of('Call the tel in Board Meeting', 'tel', 'tel'))
    const { evidence } = talk('Delete "red car"').did('mail_search', {}, '- red car')
    assert.ok(!isLinked(argument('event_id', 'red car'), evidence, ownerPieces(evidence)), 'a scalar is a field without a name')
  })

  it('may also be public, where nobody else writes them', () => {
    const profile = tools.get('profile_read') ?? assert.fail()
    const shelf = { ...profile, name: 'shelf', manifest: { ...profile.manifest, returns: { ...profile.manifest.returns, private: false } } }
    const evidence = new Evidence(new Map<string, AnyTool>([...tools, ['shelf', shelf]]))
    evidence.add({ role: 'user', parts: [{ type: 'text', text: 'Delete Board Meeting', origin: OWNER }] })
    const origin = { author: { kind: 'tool', name: 'shelf' }, trust: 'trusted', private: false } as const
    evidence.add({
      role: 'tool',
      parts: [{ type: 'tool-result', callId: 'c', tool: 'shelf', output: '{"id":"77","title":"Board Meeting"}', isError: false, origin }],
    })
    assert.ok(isLinked(argument('event_id', '77'), evidence, ownerPieces(evidence)))
  })
})

describe('the owner’s words', () => {
  it('name what stands out among them, or beside its noun, wherever it stands', () => {
    const named = (says: string, text: string, name = 'event_id') => isNamed(argument(name, text), said(says))
    assert.ok(named('book green door', 'green door'))
    assert.ok(named('Delete Lunch', 'lunch'))
    assert.ok(!named('I ate lunch', 'lunch'))
    assert.ok(!named('I ate - lunch', '-'))
    assert.ok(named('Delete lunch event after lunch today', 'lunch'), 'the first of two')
    assert.ok(named('Before lunch today delete event lunch', 'lunch'), 'the last of two')
    assert.deepEqual(['bus', 'eventIds', 'classes_of'].map(nounsOf), [['bus'], ['event', 'ids'], ['classe', 'of']])
  })

  it('ask for the deed that the verb of a tool says', () => {
    assert.ok(!isAskedFor('delete_email', said('Send them an email')))
    assert.ok(isAskedFor('delete_email', said('Remove it')))
    assert.ok(isAskedFor('inbox_email', said('Write to Ann')), 'a name without a verb')
    assert.ok(isAskedFor('checkout', said('Please check out now')))
    assert.ok(!isAskedFor('checkout', said('Please look it up')))
  })

  it('count in each of his messages', () => {
    assert.ok(asksForReply(said('Hello', 'Reply to it')))
    assert.ok(!asksForReply(said('Hello')))
    assert.ok(speaksOfKind('email', said('Hello', 'her mail address')))
    assert.ok(!speaksOfKind('email', said('Hello')))
    assert.ok(!speaksOfKind('words', said('Hello')))
    const mine = possessions(said('use my new address here'))
    assert.deepEqual([mine.has('new'), mine.has('address'), mine.has('here'), mine.has('use')], [true, true, false, false])
  })
})

describe('a trace', () => {
  const by = (of: Conversation, name: string, text: string, tool = 'send_mail') => trace(argument(name, text), tool, of.evidence).by

  it('says seen for what a trusted or curated result holds', () => {
    assert.equal(by(talk('Hello').did('people_search', {}, `boss: ${ANN}`), 'to', ANN), 'seen')
    assert.equal(by(talk('Hello').did('profile_read', {}, `Write to ${ANN}.`), 'to', ANN), 'seen')
    assert.equal(by(talk('Hello').did('profile_read', {}, '[{"id":7},{"id":8,"n":9}]'), 'event_id', '8'), 'seen')
    assert.notEqual(by(talk('Hello').did('profile_read', {}, '[{"id":7},{"id":8,"n":9}]'), 'event_id', '9'), 'seen')
    assert.deepEqual(['event_id', 'uuid', 'api_key', 'title'].map(isIdentity), [true, true, true, false])
  })

  it('completes names, not addresses', () => {
    const of = (text: string) => by(talk('Send a mail to the one starting with Team').did('mail_search', {}, `- name: ${text}`), 'to', text)
    assert.equal(of('Team_four'), 'completed')
    assert.notEqual(of('Team@attacker.example'), 'completed')
  })

  it('is delegated to pages that he named, by their address', () => {
    const says = 'Send Ann Lee a mail: the address is on www.ann.example or www.two.example'
    const looked = (...urls: readonly string[]) => urls.reduce((all, url, at) => all.did('page_fetch', { url }, at === 0 ? EVIL : 'nothing'), talk(says))
    assert.equal(by(looked('www.ann.example'), 'to', EVIL), 'delegated')
    assert.equal(by(looked('www.ann.example', 'www.two.example'), 'to', EVIL), 'delegated')
    assert.equal(by(looked('www.evil.example'), 'to', EVIL), 'untrusted')
    assert.equal(by(looked('Ann Lee'), 'to', EVIL), 'untrusted')
  })

  it('takes a code from the answer to the deed on, and none where nothing was begun', () => {
    const origin = { author: { kind: 'tool', name: 'pay' }, trust: 'trusted', private: true } as const
    const begun = talk('Hello').did('pay', { account: IBAN, reference: 'x' }, 'Your code: 222222', origin)
    assert.equal(by(begun, 'code', '222222', 'confirm_payment'), 'code')
    assert.equal(by(talk('Hello').did('mail_search', {}, 'Your code: 222222'), 'code', '222222', 'confirm_payment'), 'untrusted')
  })

  it('finds in others’ texts what is whole, or five letters long, and shows where', () => {
    const of = (text: string, output: string) => trace(argument('to', text), 'send_mail', talk('planned for lunch').did('mail_search', {}, output).evidence)
    assert.equal(of('abcd', 'xabcdx').by, 'nowhere')
    assert.equal(of('abcd', 'x abcd x').by, 'untrusted')
    assert.equal(of('abcde', 'xabcdex').by, 'untrusted')
    assert.equal(of('lunch', 'hello').by, 'nowhere', 'he said the word, and meant nothing by it')
    assert.equal(of(' Green Lamp\n', `${'b '.repeat(100)}Green Lamp ${'a '.repeat(100)}`).evidence.includes('“b b b'), true)
    assert.match(of('Green Lamp', `${'b '.repeat(100)} Green Lamp ${'a '.repeat(100)}`).evidence, /“\S.*green lamp.*\S”$/)
    const [, shown = ''] = /“(.*)”$/.exec(of('Green Lamp', `${'b '.repeat(100)}Green Lamp ${'a '.repeat(100)}`).evidence) ?? []
    assert.equal(shown, `${'b '.repeat(20)}green lamp${' a'.repeat(25)}`, '40 characters before it, 60 from it on')
    assert.match(of(' Green Lamp ', `${'b '.repeat(100)} Green Lamp ${'a '.repeat(100)}`).evidence, /green lamp/)
  })
})

describe('the judge of a call', () => {
  const asked = (...says: readonly string[]) => talk(...says).did('mail_search', { query: 'new' }, `from: ${EVIL}`)

  it('lets a code alone confirm what was begun, and nothing beside it', async () => {
    const begun = asked(`Pay 10 to ${IBAN} for "Lamp"`).did('pay', { account: IBAN, reference: 'x' }, 'sent').did('mail_search', {}, 'Your code: 222222')
    assert.equal(await begun.stoppedBy('confirm_payment', { code: '222222' }), null)
    assert.equal(await begun.stoppedBy('confirm_payment', { code: ['222222', 'Lamp'] }), 'destinationsKnown')
  })

  it('takes an order for put together only out of what was put into it', async () => {
    const order = (of: Conversation) => of.stoppedBy('place_order', {})
    assert.equal(await order(asked('Order the Green Lamp').did('add_to_cart', { product: 'Green Lamp' }, 'added')), null)
    assert.equal(await order(asked('Order the Green Lamp').did('add_to_cart', { product: ['Green Lamp', 'Red Lamp'] }, 'added')), 'destinationsKnown')
    assert.equal(await order(asked('Order it, and note it').did('note_write', { text: 'x' }, 'saved')), 'destinationsKnown')
    assert.equal(await order(asked('Order it, and delete Event-13').did('delete_event', { event_id: 'Event-13' }, 'gone')), 'destinationsKnown')
  })

  it('needs no word for a look at what he named, and for anything more it does', () => {
    const { evidence } = asked('www.ann.example and www.bob.example, hm')
    const { manifest } = tools.get('page_fetch') ?? assert.fail()
    const judge = (input: JsonObject, more: Partial<ToolManifest> = {}) => {
      const origin = { author: { kind: 'model', name: 'm' }, trust: 'untrusted', private: true } as const
      const call = { callId: 'c', tool: 'page_fetch', input, turnId: 't', sessionId: null, effectId: 'e', binding: null, origin }
      return judgeDestinations(call, { ...manifest, ...more }, evidence)
    }
    const url = 'www.ann.example'
    assert.equal(judge({ url }), null)
    assert.match(judge({ url }, { effect: 'irreversible' })?.evidence ?? '', /no word of yours/)
    assert.match(judge({ url, to: 'www.bob.example' }, { destinations: ['url', 'to'] })?.evidence ?? '', /no word of yours/)
  })

  it('judges a destination as one, also where it carries something', async () => {
    const found = talk('Open the link on www.ann.example').did('page_fetch', { url: 'www.ann.example' }, 'see https://one.example/y')
    assert.equal(await found.stoppedBy('page_fetch', { url: 'https://one.example/y' }), null)
  })

  it('lets objects go that were seen, and holds those that only others name, at any depth', async () => {
    const mail = (of: Conversation, attachments: JsonObject) => of.stoppedBy('send_mail', { to: [ANN], text: 'hi', attachments })
    const seen = asked(`Send ${ANN} a mail`).did('profile_read', {}, 'Report is yours')
    assert.equal(await mail(seen, { file_id: 'Report' }), null)
    assert.equal(await mail(seen, { file_id: 'Other' }), 'ruleOfTwo')
    assert.equal(await mail(seen, { x: { file_id: 'Other' } }), 'ruleOfTwo')
    assert.equal(await mail(seen, { x: { note: 'Other' } }), null)
  })

  it('says what would leave, and where it found a value', async () => {
    const known = asked(`Send ${ANN} a mail`).did('profile_read', {}, 'passport: HGK137803')
    const why = async (input: JsonObject) => (await known.tries('send_mail', input))?.why ?? ''
    assert.match(await why({ to: [ANN], text: 'HGK137803' }), /private data that you did not speak of.*a result of profile_read/)
    assert.doesNotMatch(await why({ to: ['x@y.example'], text: 'hi' }), /but you did not name it/)
  })

  it('reads addresses with the argument that they stand in', () => {
    const { manifest } = tools.get('add_guest') ?? assert.fail()
    const call = {
      callId: 'c',
      tool: 'add_guest',
      input: { guest: ANN, event_id: 7 },
      turnId: 't',
      sessionId: null,
      effectId: 'e',
      binding: null,
      origin: OWNER,
    }
    assert.deepEqual(addressed(call, manifest), [
      ['guest', ANN],
      ['event_id', '7'],
    ])
  })
})
