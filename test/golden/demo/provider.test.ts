import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../../src/contracts/message.ts'
import { OWNER } from '../../../src/contracts/origin.ts'
import type { ModelEvent, ModelRequest } from '../../../src/contracts/provider.ts'
import { NO_USAGE } from '../../../src/contracts/usage.ts'
import type { Outcome } from '../../../src/providers/demo/engine.ts'
import { demo } from '../../../src/providers/demo/module.ts'
import { createDemo } from '../../../src/providers/demo/provider.ts'
import { BEYOND, NOT_UNDERSTOOD, TOO_LONG } from '../../../src/providers/demo/replies.ts'
import { cleared } from '../../doubles/cleared.ts'

const USAGE = { ...NO_USAGE, inputTokens: 50, cacheReadTokens: 35, outputTokens: 12 }
const TIMES = '<tool_call>\n{"name": "calculate", "arguments": {"expression": "12 * 7"}}\n</tool_call>'

function said(text: string): Outcome {
  return { id: 1, kind: 'answer', text, inputTokens: 50, cachedTokens: 35, outputTokens: 12, isCut: false }
}

function user(text: string): Message {
  return { role: 'user', parts: [{ type: 'text', text, origin: OWNER }] }
}

/** What the provider makes of one outcome of the model. `asked` are the texts that the model got. */
async function ask(
  outcome: Outcome | null,
  question: string,
  more: Partial<ModelRequest> = {},
): Promise<{ readonly events: readonly ModelEvent[]; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const engine = {
    async ask(text: string): Promise<Outcome> {
      asked.push(text)
      assert.ok(outcome !== null, 'the model was not to be asked')
      return outcome
    },
  }
  const tools = ['current_time', 'math_eval'].map((name) => ({ name, description: '', parameters: {} }))
  const request: ModelRequest = { model: 'tiny', system: 'You are carapace.', messages: [user(question)], tools, ...more }
  const events: ModelEvent[] = []
  for await (const event of createDemo(engine, () => 0).stream(cleared(request), new AbortController().signal)) events.push(event)
  return { events, asked }
}

function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
}

test('a skill becomes a call of our tool', async () => {
  const { events } = await ask(said(TIMES), 'what is 12 times 7')
  const [start, delta, end, finish] = events
  assert.ok(start?.type === 'tool-call-start' && delta?.type === 'tool-call-delta' && end?.type === 'tool-call-end')
  assert.deepEqual([end.tool, end.input], ['math_eval', { expression: '12 * 7' }])
  assert.deepEqual(JSON.parse(delta.text), end.input)
  assert.ok(start.callId === end.callId && delta.callId === end.callId)
  assert.deepEqual(finish, { type: 'finish', reason: 'tool-calls', usage: USAGE })
})

test('a tool that the request lacks is not called', async () => {
  for (const more of [{ tools: [] }, { toolChoice: 'none' as const }]) {
    const { events } = await ask(said(TIMES), 'what is 12 times 7', more)
    assert.match(textOf(events), /`math_eval`.*not available/)
    assert.deepEqual(events.at(-1), { type: 'finish', reason: 'stop', usage: USAGE })
  }
})

test('a call that is not from the user’s words is not made', async () => {
  for (const text of [TIMES.replace('7', '8'), TIMES.slice(0, 40), '<tool_call>\nnonsense']) {
    assert.equal(textOf((await ask(said(text), 'what is 12 times 7')).events), NOT_UNDERSTOOD)
  }
})

test('small talk passes, claims do not', async () => {
  assert.equal(textOf((await ask(said('Hello! How can I help?'), 'hello')).events), 'Hello! How can I help?')
  assert.equal(textOf((await ask(said('The capital of India is Delhi.'), 'capital of Brazil?')).events), BEYOND)
})

test('only the newest message of the user is asked', async () => {
  const messages = [user('first'), { role: 'assistant' as const, parts: [{ type: 'text' as const, text: 'yes', origin: OWNER }] }, user(' hello ')]
  assert.deepEqual((await ask(said('Hello!'), '', { messages })).asked, ['hello'])
})

test('a tool result is shown without asking the model', async () => {
  const messages: readonly Message[] = [
    user('what is 12 times 7'),
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'a', tool: 'math_eval', input: { expression: '12 * 7' } }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', tool: 'math_eval', output: '84', isError: false, origin: OWNER }] },
  ]
  const { events } = await ask(null, '', { messages })
  assert.deepEqual(events, [
    { type: 'text-delta', text: '12 * 7 = 84' },
    { type: 'finish', reason: 'stop', usage: NO_USAGE },
  ])
})

test('stop strings and the token limit are kept', async () => {
  assert.equal(textOf((await ask(said('Hello! How can I help?'), 'hello', { stop: [' How', 'zzz'] })).events), 'Hello!')
  const cut = await ask({ id: 1, kind: 'answer', text: 'I am', inputTokens: 50, cachedTokens: 35, outputTokens: 12, isCut: true }, 'who are you?', {
    maxOutputTokens: 12,
  })
  assert.deepEqual(cut.events, [{ type: 'finish', reason: 'length', usage: USAGE }])
})

test('a text that is too long is no fault', async () => {
  assert.equal(textOf((await ask({ id: 1, kind: 'too-long' }, 'long')).events), TOO_LONG)
})

test('faults are sorted', async () => {
  const cases: readonly (readonly [Outcome, string])[] = [
    [{ kind: 'busy' }, 'overloaded'],
    [{ kind: 'stopped' }, 'network'],
    [{ kind: 'cancelled' }, 'cancelled'],
    [{ id: 1, kind: 'unusable', why: 'it is cut off' }, 'bad-request'],
  ]
  for (const [outcome, kind] of cases) {
    const { events } = await ask(outcome, 'hello')
    assert.equal(events.length, 1)
    assert.ok(events[0]?.type === 'error' && events[0].fault.kind === kind)
  }
})

test('what it cannot do is refused before the model is asked', async () => {
  for (const more of [{ responseFormat: { type: 'json' as const } }, { model: 'large' }]) {
    const { events } = await ask(null, 'hello', more)
    assert.ok(events.length === 1 && events[0]?.type === 'error' && events[0].fault.kind === 'bad-request')
  }
})

test('the module says what it offers, and can be switched off', async () => {
  assert.deepEqual(demo.config.parse({}), { enabled: true })
  assert.deepEqual([demo.isConfigured({ enabled: true }), demo.isConfigured({ enabled: false })], [true, false])
  const provider = createDemo({ ask: async () => ({ kind: 'busy' }) }, () => 0)
  assert.deepEqual(provider.traits, { images: false, tools: true, demo: true })
  assert.deepEqual(await provider.listModels(new AbortController().signal), [{ id: 'tiny', contextTokens: 1024 }])
})
