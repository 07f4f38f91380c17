import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DemoModel } from '../../../src/providers/demo/demo-model.ts'

const bytes = readFileSync(new URL('../../../assets/demo-model.gguf', import.meta.url))

test('a cancelled answer ends before its next token', () => {
  const model = new DemoModel(bytes)
  let asked = 0
  assert.deepEqual(
    model.generate('hello', 160, () => ++asked > 45),
    { kind: 'cancelled' },
  )
  assert.equal(asked, 46)
})

test('a shared beginning is read once and changes nothing', () => {
  const used = new DemoModel(bytes)
  used.generate('what is 12 times 7', 160, () => false)
  const again = used.generate('hello', 160, () => false)
  const fresh = new DemoModel(bytes).generate('hello', 160, () => false)
  assert.ok(again.kind === 'answer' && fresh.kind === 'answer')
  assert.ok(again.cachedTokens > 30)
  assert.deepEqual({ ...again, cachedTokens: 0 }, fresh)
})

test('a cancelled prompt leaves nothing wrong behind', () => {
  const model = new DemoModel(bytes)
  let asked = 0
  model.generate('remind me tomorrow to buy milk', 160, () => ++asked > 20)
  const answer = model.generate('hello', 160, () => false)
  assert.ok(answer.kind === 'answer')
  assert.equal(answer.text, 'Hello! How can I help?')
})

test('an answer is cut at its limit', () => {
  const answer = new DemoModel(bytes).generate('explain quantum computing', 3, () => false)
  assert.ok(answer.kind === 'answer')
  assert.deepEqual([answer.isCut, answer.outputTokens], [true, 3])
})

test('what does not fit the context is said at once', () => {
  const model = new DemoModel(bytes)
  assert.deepEqual(
    model.generate('word '.repeat(900), 160, () => false),
    { kind: 'too-long' },
  )
  assert.deepEqual(
    model.generate('x'.repeat(4_000_000), 160, () => false),
    { kind: 'too-long' },
  )
})
