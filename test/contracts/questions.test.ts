import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Budget } from '../../src/agent/budget.ts'
import { createModelDirectory } from '../../src/agent/models.ts'
import { createQuestions } from '../../src/agent/questions.ts'
import { coreSections } from '../../src/config/schema.ts'
import type { Question } from '../../src/contracts/ask-model.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { CheckpointReport } from '../../src/guard/stage.ts'
import { manualClock } from '../doubles/manual-clock.ts'
import { fault, says, scriptedProvider, usage, type Scene } from '../doubles/scripted-provider.ts'

const question: Question = { system: 'Look.', parts: [{ type: 'text', text: 'What?', origin: OWNER }], maxOutputTokens: 100, model: null }

async function asking(scenes: readonly Scene[], images = true, budgets: Record<string, unknown> = {}) {
  const provider = scriptedProvider('fake', scenes, { images })
  const clock = manualClock()
  const providers = new Map([['fake', async () => provider]])
  const models = createModelDirectory({
    config: { routes: {}, usage: { prices: {} }, agent: coreSections.agent.parse({ context: { windowTokens: 4000 } }) },
    defaultModel: async () => null,
    providers,
  })
  const reports: CheckpointReport[] = []
  const questions = createQuestions({ models, report: (report) => reports.push(report), clock })
  const budget = new Budget(coreSections.agent.parse({ budgets }).budgets, clock)
  const close = questions.open('t1', { chain: await models.resolve('fake:model'), budget })
  const ask = (more: Partial<Question> = {}, turnId = 't1') => questions.ask({ ...question, ...more }, turnId, AbortSignal.timeout(5000))
  return { provider, budget, close, ask, reports }
}

test('a question is asked on account of a running turn, and of no other', async () => {
  const { ask, budget, close, provider } = await asking([says('red'), says('red')])
  assert.deepEqual(await ask(), { text: 'red', model: 'fake:model' })
  assert.deepEqual(budget.usage, usage)
  await assert.rejects(ask({}, 't2'), { code: 'turn/not-found' })
  close()
  await assert.rejects(ask(), { code: 'turn/not-found' })
  assert.equal(provider.requests.length, 1)
})

test('a turn that has used up its budget asks nothing more, and what is left bounds the answer', async () => {
  const { ask, provider } = await asking([says('red'), says('red')], true, { maxOutputTokens: 30 })
  await ask()
  await ask()
  assert.deepEqual(
    provider.requests.map(({ maxOutputTokens }) => maxOutputTokens),
    [30, 20],
  )
  const spent = await asking([says('red')], true, { maxOutputTokens: 10 })
  await spent.ask()
  await assert.rejects(spent.ask(), { code: 'turn/budget' })
  assert.equal(spent.provider.requests.length, 1)
})

test('it passes the prompt checkpoint, waits and tries again as a turn does, and tells what failed', async () => {
  const { ask, provider, reports } = await asking([fault('overloaded'), says('red'), fault('refused', 'no')])
  assert.equal((await ask()).text, 'red')
  await assert.rejects(ask(), { code: 'provider/refused' })
  assert.equal(provider.requests.length, 3)
  assert.deepEqual(
    reports.map(({ checkpoint, verdict }) => [checkpoint, verdict]),
    Array.from({ length: 3 }, () => ['prompt', 'pass']),
  )
  await assert.rejects(ask({ system: 'x '.repeat(20_000) }), { code: 'provider/context-too-long' })
  assert.equal(provider.requests.length, 3, 'what does not fit is not sent')
})

test('a picture goes to models that see, and to no other', async () => {
  const picture = { parts: [{ type: 'image', mediaType: 'image/png', data: 'AAAA', origin: OWNER }] } as const
  const blind = await asking([says('red')], false)
  await assert.rejects(blind.ask(picture), { code: 'provider/no-images' })
  assert.equal(blind.provider.requests.length, 0)
  const seeing = await asking([says('red')])
  await seeing.ask(picture)
  assert.deepEqual(seeing.provider.requests[0]?.messages[0]?.parts, picture.parts)
  assert.deepEqual(seeing.provider.requests[0]?.tools, [])
})
