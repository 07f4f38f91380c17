/** What is kept of a conversation, piece by piece: whose it is, what it may vouch for, and what the calls carried. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts'
import { OWNER, type Origin } from '../../src/contracts/origin.ts'
import type { ToolResultPart } from '../../src/contracts/message.ts'
import { Evidence } from '../../src/guard/provenance/evidence.ts'
import { bare, words } from '../../src/guard/provenance/fold.ts'
import { SentArguments } from '../../src/guard/provenance/sent.ts'
import { classify } from '../../src/guard/provenance/values.ts'
import { Conversation, tools } from '../doubles/conversation.ts'

const ANN = 'ann@example.org'
const EVIL = 'evil@attacker.example'

describe('pieces', () => {
  const PEER: Origin = { author: { kind: 'peer', channel: 'chat', id: 'eve' }, trust: 'untrusted', private: true }

  it('of text are no receipts and hold no records, and the owner’s are called his', () => {
    const { evidence } = new Conversation().says('{"id":7}')
    evidence.add({ role: 'user', parts: [{ type: 'text', text: '{"id":8}', origin: PEER, suspicion: ['override'] }] })
    assert.deepEqual(
      evidence.pieces.map(({ label, isReceipt, records }) => [label, isReceipt, records.length]),
      [
        ['your words', false, 0],
        ['a message of chat:eve that looks like instructions: replaces earlier instructions', false, 0],
      ],
    )
  })

  it('of deeds are receipts, of reads none, and each says what was looked up', () => {
    const { evidence } = new Conversation()
      .did('mail_search', { query: 'x' }, 'a')
      .did('note_write', { text: 'x' }, 'b')
      .did('page_fetch', { url: 'a.example' }, 'c')
    assert.deepEqual(
      evidence.pieces.map(({ isReceipt, source }) => [isReceipt, source]),
      [
        [false, []],
        [true, []],
        [true, ['a.example']],
      ],
    )
  })

  it('of a tool that is not known hold no records', () => {
    const { evidence } = new Conversation()
    const origin = { author: { kind: 'tool', name: 'gone' }, trust: 'trusted', private: false } as const
    evidence.add({ role: 'tool', parts: [{ type: 'tool-result', callId: 'x', tool: 'gone', output: '{"id":7}', isError: false, origin }] })
    assert.deepEqual([evidence.pieces[0]?.records, evidence.pieces[0]?.isReceipt, evidence.deeds[0]?.arguments], [[], true, []])
  })
})

describe('standing words', () => {
  it('hold until he takes them back', () => {
    const evidence = new Evidence(tools)
    const isGranted = () => [ANN, EVIL].map((text) => evidence.isGranted(classify(text)))
    evidence.stand([ANN])
    assert.deepEqual(isGranted(), [true, false])
    evidence.stand([EVIL])
    assert.deepEqual(isGranted(), [false, true])
  })
})

describe('what calls have sent', () => {
  const result = (tool: string, output: string, more: Partial<ToolResultPart> = {}): ToolResultPart => ({
    type: 'tool-result',
    callId: 'c',
    tool,
    output,
    isError: false,
    origin: { author: { kind: 'tool', name: tool }, trust: 'trusted', private: true },
    ...more,
  })

  it('is also what a tool ran with instead of what it was asked', () => {
    const evidence = new Evidence(tools)
    evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', tool: 'note_write', input: { text: 'x' } }] })
    evidence.add({ role: 'tool', parts: [result('note_write', 'saved', { ranWith: { text: EVIL } })] })
    evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'd', tool: 'note_read', input: {} }] })
    evidence.add({ role: 'tool', parts: [result('note_read', `${EVIL} ${ANN}`, { callId: 'd' })] })
    const read = evidence.pieces[1] ?? assert.fail()
    assert.deepEqual([evidence.isEcho(classify(EVIL), read), evidence.isEcho(classify(ANN), read)], [true, false])
    assert.deepEqual(evidence.deeds[0]?.arguments, [EVIL])
  })

  it('acts on nothing where the call is not known', () => {
    const evidence = new Evidence(tools)
    evidence.add({ role: 'tool', parts: [result('delete_event', 'done')] })
    assert.deepEqual(evidence.deeds[0]?.targets, [])
    const { evidence: known } = new Conversation().did('delete_event', { event_id: 7 }, 'done')
    assert.deepEqual(known.deeds[0]?.targets, [{ name: 'event_id', text: '7' }])
  })

  it('carries what stands in its content and goes outside, no longer than a value may be', () => {
    const mail = tools.get('mail_search') ?? assert.fail()
    const asks = { ...mail, name: 'asks', manifest: { ...mail.manifest, content: ['query'] } }
    const evidence = new Evidence(new Map([...tools, ['asks', asks]]))
    const carried = (tool: string, input: JsonObject) => {
      evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', tool, input }] })
      evidence.add({ role: 'tool', parts: [result(tool, 'done')] })
      return evidence.deeds.at(-1)?.carried
    }
    assert.equal(carried('asks', { query: 'HGK13' }), '')
    assert.equal(carried('note_write', { text: 'HGK13' }), '')
    assert.equal(carried('page_fetch', { url: 'a.example/HGK13' }), '', 'a destination is judged as one')
    assert.equal(carried('send_mail', { to: [ANN], text: 'HGK13' }), 'hgk13')
    assert.equal(carried('send_mail', { to: [ANN], text: `a${'x'.repeat(256)}` }), 'x'.repeat(256))
  })

  it('is remembered for as many calls as are trusted', () => {
    const evidence = new Evidence(tools)
    const call = (input: JsonValue) => evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', tool: 'note_write', input }] })
    for (let index = 0; index < 1999; index++) call({})
    call({ text: 'first@example.org' })
    call({ text: 'second@example.org' })
    evidence.add({ role: 'user', parts: [{ type: 'text', text: 'x', origin: OWNER }] })
    const piece = evidence.pieces[0] ?? assert.fail()
    assert.deepEqual([evidence.isEcho(classify('first@example.org'), piece), evidence.isEcho(classify('second@example.org'), piece)], [true, false])
  })

  it('is compared as words where it is short, and by its letters from five', () => {
    const sent = new SentArguments()
    sent.add(['ab cd', 'room 17'])
    sent.add(['e-f-g-h-i'])
    const has = (text: string, count = 2) => sent.includes({ kind: 'words', key: text }, count)
    assert.deepEqual([has('ab'), has('17'), has('abc'), has('oom')], [true, true, false, false])
    assert.deepEqual([has('efghi'), has('efghi', 1), has('bcdro'), has('17efg')], [true, false, true, true])
    assert.equal(has('abcd'), false, 'four letters are compared as they stand')
  })
})

describe('words', () => {
  it('are cut at spaces and marks, and marks alone are none', () => {
    assert.deepEqual(
      words('  Ann, - "Bob’s" ; x ').map(({ text }) => text),
      ['ann', 'bob', 'x'],
    )
    assert.deepEqual(words(' - '), [])
  })

  it('that are very long stay as they are', () => {
    assert.equal(bare(`(${'x'.repeat(254)})`), 'x'.repeat(254))
    assert.equal(bare(`(${'x'.repeat(255)})`), `(${'x'.repeat(255)})`)
  })
})
