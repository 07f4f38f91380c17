import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Approval } from '../contracts/approval.ts'
import type { ToolCall } from '../contracts/tool.ts'
import { callHash } from '../guard/approvals/call-hash.ts'
import { TurnAnswers } from './turn-answers.ts'

const origin = { author: { kind: 'model', name: 'm' }, trust: 'trusted', private: false } as const
const call: ToolCall = { callId: 'c', tool: 't', input: { a: 1 }, binding: null, turnId: 'turn_1', sessionId: null, effectId: 'e', origin }
const hash = callHash(call)
const approval: Approval = {
  ...call,
  id: 'apr_1',
  sessionKey: null,
  group: 'turn_1.1',
  hash,
  effect: 'write',
  destinations: [],
  shown: [],
  holds: [],
  unlocks: ['once'],
  status: 'allowed',
  createdAt: 1,
  expiresAt: 2,
  decision: { at: 1, by: 'owner', door: 'test', unlock: 'once', input: null, hash, note: null },
}

it('a word is heard once, by the call that it was said about', () => {
  const answers = new TurnAnswers('turn_1', 1, [approval])
  assert.equal(answers.answerTo({ ...call, callId: 'other', input: {} }), null)
  assert.deepEqual(answers.answerTo(call), { kind: 'allowed', approvalId: 'apr_1' })
  assert.equal(answers.answerTo(call), null, 'a second call under the same id is another')
  answers.nextAnswer()
  assert.deepEqual(answers.answerTo(call), { kind: 'repeated' })
})
