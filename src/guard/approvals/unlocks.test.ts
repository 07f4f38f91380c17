/** E7: how far a word of the owner reaches, and no further. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import type { Grant, Unlock } from '../../contracts/approval.ts'
import type { JsonValue } from '../../contracts/json.ts'
import { OWNER } from '../../contracts/origin.ts'
import type { AnyTool, ToolCall, ToolManifest } from '../../contracts/tool.ts'
import { coverage, grantOf, isOwnersOwn, unlocksFor } from './unlocks.ts'

const MANIFEST: ToolManifest = {
  effect: 'egress',
  effectWithoutDestination: 'egress',
  recovery: 'unsafe',
  consent: 'judged',
  destinations: ['to'],
  targets: ['id'],
  content: ['text'],
  paths: [],
  returns: { trust: 'trusted', private: false, curated: false, records: false },
}
const make = (name: string, more: Partial<ToolManifest> = {}, shape?: AnyTool['shape']): AnyTool => ({
  name,
  description: '',
  input: z.record(z.string(), z.json()),
  manifest: { ...MANIFEST, ...more },
  ...(shape === undefined ? {} : { shape }),
  run: () => Promise.reject(new Error('never run')),
})
const mail = make('mail')
const pay = make('pay', { effect: 'irreversible' })
const note = make('note', { effect: 'write' })
const order = make('order', { destinations: [], targets: [] })
const program = make('program', { consent: 'every-call' }, () => ['ls'])

const call = (tool: AnyTool, input: JsonValue, sessionId: string | null = 's1'): ToolCall => ({
  callId: 'c',
  tool: tool.name,
  input,
  turnId: 't',
  sessionId,
  effectId: 'e',
  binding: null,
  origin: OWNER,
})
const ANN = 'ann@example.org'
const BOB = 'bob@example.org'

describe('what may be offered', () => {
  const offered = (tool: AnyTool, input: JsonValue, rules: readonly string[] = ['destinationsKnown'], sessionId: string | null = 's1') =>
    unlocksFor(
      call(tool, input, sessionId),
      tool,
      rules.map((rule) => ({ rule })),
    )
  const is = (found: readonly Unlock[], ...expected: readonly Unlock[]) => assert.deepEqual(found, expected)

  it('is as much as the call names, and only where its destinations are the reason', () => {
    is(offered(mail, { to: ANN }), 'once', 'session', 'destination', 'always')
    is(offered(mail, { to: ANN }, ['destinationsKnown'], null), 'once', 'destination', 'always')
    is(offered(mail, { to: ANN }, ['destinationsKnown', 'ruleOfTwo']), 'once', 'always')
    is(offered(mail, { to: ANN }, ['ruleOfTwo']), 'once', 'always')
    is(offered(mail, { id: '7' }), 'once', 'session', 'always')
    is(offered(order, {}), 'once')
    is(offered(program, { to: ANN }), 'once', 'always')
  })

  it('is once at most where a value does not read as it is written, and never always for what cannot be undone', () => {
    is(offered(mail, { to: 'ann@exаmple.org' }), 'once')
    is(offered(mail, { to: [ANN, 'b\u200bob@example.org'] }), 'once')
    is(offered(pay, { to: ANN }), 'once', 'session', 'destination')
  })
})

describe('what a grant covers', () => {
  const granted = (unlock: Exclude<Unlock, 'once'>, tool: AnyTool, input: JsonValue): Grant => ({
    id: 'g',
    approvalId: 'a',
    createdAt: 0,
    ...grantOf(unlock, call(tool, input), tool),
  })
  const rules = (grant: Grant, tool: AnyTool, input: JsonValue, sessionId: string | null = 's1') => coverage(grant, call(tool, input, sessionId), tool)?.rules

  it('session: the same tool, these destinations and objects, in this conversation', () => {
    const grant = granted('session', mail, { to: [ANN], id: '7', text: 'x' })
    assert.deepEqual([grant.sessionId, grant.values, grant.shape], ['s1', [ANN, '7'], null])
    assert.deepEqual(rules(grant, mail, { to: ANN.toUpperCase(), text: 'other' }), ['destinationsKnown'])
    assert.deepEqual(rules(grant, mail, { to: ANN, id: 7 }), ['destinationsKnown'])
    for (const input of [{ to: BOB }, { to: [ANN, BOB] }, { to: ANN, id: '8' }, { text: 'x' }, { to: 'аnn@example.org' }])
      assert.equal(rules(grant, mail, input), undefined, JSON.stringify(input))
    assert.equal(rules(grant, mail, { to: ANN }, 's2'), undefined)
    assert.equal(rules(grant, mail, { to: ANN }, null), undefined)
    assert.equal(rules(grant, pay, { to: ANN }), undefined, 'another tool')
  })

  it('destination: these destinations everywhere, and no objects', () => {
    const grant = granted('destination', mail, { to: ANN, id: '7' })
    assert.deepEqual([grant.sessionId, grant.values, grant.shape], [null, [ANN], null])
    assert.deepEqual(rules(grant, mail, { to: ANN }, 's2'), ['destinationsKnown'])
    assert.equal(rules(grant, mail, { to: ANN, id: '7' }, 's2'), undefined)
  })

  it('counts as said by the owner for every tool where it is a destination, for its own where it is of a session, and else for none', () => {
    const speaksFor = (unlock: Exclude<Unlock, 'once'>) => [mail, pay].map((tool) => isOwnersOwn(granted(unlock, mail, { to: ANN }), call(tool, {})))
    assert.deepEqual(speaksFor('destination'), [true, true])
    assert.deepEqual(speaksFor('session'), [true, false])
    assert.deepEqual(speaksFor('always'), [false, false])
  })

  it('never releases a write, which asks for other reasons', () => {
    assert.equal(rules(granted('session', note, { to: ANN }), note, { to: ANN }), undefined)
  })

  it('always: the same shape, for every rule', () => {
    const grant = granted('always', mail, { to: ANN, text: 'x' })
    assert.deepEqual([grant.sessionId, grant.values], [null, []])
    assert.equal(rules(grant, mail, { to: ANN, text: 'other' }, 's2'), null)
    assert.equal(rules(grant, mail, { to: BOB, text: 'x' }), undefined)
    assert.equal(rules(granted('always', program, { to: ANN }), program, { to: BOB }), null, 'a tool says itself what a shape is')
    assert.equal(rules({ ...grant, shape: null }, order, {}), undefined)
    assert.equal(rules({ ...grant, tool: 'order', shape: null }, order, {}), undefined, 'no shape is no shape')
  })
})
