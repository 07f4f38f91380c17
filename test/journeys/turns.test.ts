/** Turns as the owner looks at them and takes them in hand: what they did, going on with one that ended too early, ending one. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { OWNER } from '../../src/contracts/origin.ts'
import { NO_USAGE } from '../../src/contracts/usage.ts'
import { openStore } from '../../src/store/open-store.ts'
import { cleared } from '../doubles/cleared.ts'
import { openDoors } from '../doubles/open-doors.ts'
import { calls, fault, hangs, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'
import { until } from '../doubles/until.ts'
import { cara } from './cli-fixture.ts'

async function gateway(t: TestContext, scenes: readonly Scene[]) {
  const provider = scriptedProvider('fake', scenes)
  const made = await testGateway({ providers: [provider] })
  t.after(() => made.close())
  return { made, provider }
}

test('a turn that failed goes on where its journal ends, and does nothing again', async (t) => {
  const { made, provider } = await gateway(t, [
    calls(['memory_write', { key: 'tea', value: 'green' }]),
    fault('bad-request', 'no'),
    says('Noted.'),
    says('Next.'),
  ])
  const { result } = await made.ask('remember tea')
  assert.deepEqual([result.status, result.error?.code], ['failed', 'provider/bad-request'])
  await made.gateway.resume(result.turnId)
  const again = await made.gateway.wait(result.turnId, AbortSignal.timeout(5000))
  assert.deepEqual([again.status, again.text, again.toolCalls.length], ['completed', 'Noted.', 1])
  assert.equal((await made.undo.list({ limit: 10 })).length, 1, 'written once')
  const asked = provider.requests.at(-1)?.messages.map(({ role }) => role)
  assert.deepEqual(asked, ['user', 'assistant', 'tool'])
  const session = await made.gateway.store.sessions.find('main')
  assert.equal(session?.messageCount, 2, 'a question and an answer')
  await assert.rejects(made.gateway.resume(result.turnId), { code: 'turn/ended' })
  assert.equal((await made.ask('next')).result.text, 'Next.')
})

test('a turn does not go on behind what came after it, nor while it runs or waits, nor twice at once', async (t) => {
  const { made } = await gateway(t, [fault('bad-request', 'no'), says('Hello.'), hangs])
  const { result } = await made.ask('first')
  await made.ask('second')
  await assert.rejects(made.gateway.resume(result.turnId), /its conversation has gone on since/)
  const { turnId } = await made.gateway.submit({
    door: 'test',
    sender: { kind: 'owner' },
    sessionKey: 'other',
    parts: [{ type: 'text', text: 'hi', origin: OWNER }],
    options: {},
  })
  await assert.rejects(made.gateway.resume(turnId), /it runs/)
  await assert.rejects(made.gateway.resume('turn_9'), { code: 'turn/not-found' })
  assert.equal(await made.gateway.abort({ turnId }, 'enough'), 1)
})

test('a turn that was cancelled is not taken up again by the next process, whether it ran or waited', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-cancelled-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const first = scriptedProvider('fake', [hangs, fault('rate-limit', 'later', 600_000)])
  const begun = await testGateway({
    providers: [first],
    folder,
    // It dies before the end of any turn is written.
    openStore: async (path) => {
      const store = await openStore({ path, synchronous: 'normal' })
      return { ...store, turns: { ...store.turns, finish: () => new Promise(() => {}) } }
    },
  })
  const send = async (sessionKey: string) => {
    const message = { door: 'test', sender: OWNER.author, sessionKey, parts: [{ type: 'text', text: 'hi', origin: OWNER }], options: {} } as const
    return (await begun.gateway.submit(message)).turnId
  }
  const running = await send('running')
  await until(() => first.requests.length === 1)
  const sleeping = await send('sleeping')
  await until(async () => (await begun.gateway.store.turns.history.get(sleeping))?.state === 'waiting')
  for (const turnId of [running, sleeping]) assert.equal(await begun.gateway.abort({ turnId }, 'enough'), 1)
  await begun.crash()

  const second = scriptedProvider('fake', [says('I went on.'), says('I went on.')])
  const next = await testGateway({ providers: [second], folder })
  t.after(() => next.close())
  await next.recover()
  for (const turnId of [running, sleeping]) assert.equal((await next.gateway.wait(turnId, AbortSignal.timeout(5000))).status, 'cancelled')
  assert.equal(second.requests.length, 0)
  // He may still change his mind.
  await next.gateway.resume(running)
  assert.equal((await next.gateway.wait(running, AbortSignal.timeout(5000))).text, 'I went on.')
})

test('cara turns lists what runs, waits and ended, and shows one step by step', async () => {
  await using running = await openDoors()
  const { store } = running.gateway
  assert.equal((await cara(['turns'], { running })).out, 'no turn\n')
  const parts = [{ type: 'text', text: 'Send \u001b[2J\u202e it', origin: OWNER }] as const
  const request = cleared({ door: 'ws', sender: { kind: 'owner' }, sessionKey: 'work', parts, options: {} } as const)
  const lease = { owner: 'run_1', until: 0 }
  const { sessionId } = await store.turns.accept({ turnId: 'turn_1', request, now: 1_800_000_000_000, queued: false, lease })
  const held = { turnId: 'turn_1', sessionId, fence: 1 }
  const call = { type: 'tool-call', callId: 'c1', tool: 'act', input: { to: 'Ann' } } as const
  const returned = { type: 'tool-result', callId: 'c1', tool: 'act', output: 'acted', isError: false, origin: OWNER } as const
  await store.turns.append(
    held,
    [
      { kind: 'assistant', message: { role: 'assistant', parts: [call] }, usage: NO_USAGE, model: 'm' },
      { kind: 'tool-intent', callId: 'c1', tool: 'act', effectId: 'effect_1' },
      { kind: 'tool-result', message: { role: 'tool', parts: [returned] }, ms: 3 },
    ],
    1_800_000_001_000,
  )
  assert.match((await cara(['turns', 'list', '--open'], { running })).out, /turn_1 +2027-01-15 08:00:00 +running +work/)
  const result = {
    turnId: 'turn_1',
    sessionKey: 'work',
    status: 'failed',
    text: '',
    finishReason: 'stop',
    clientToolCalls: [],
    toolCalls: [],
    model: 'm',
    usage: NO_USAGE,
    costUsd: null,
    durationMs: 1500,
    error: { code: 'provider/overloaded', message: 'busy' },
  } as const
  await store.turns.finish({ ...held, request, reply: null, replyTokens: 0, result, taint: { untrusted: false, private: false }, now: 1_800_000_002_000 })
  assert.match((await cara(['turns', 'list'], { running })).out, /turn_1 .* failed +provider\/overloaded +work/)
  assert.equal((await cara(['turns', 'list', '--open'], { running })).out, 'no turn\n')
  const { out } = await cara(['turns', 'show', 'turn_1'], { running })
  assert.match(
    out,
    /^turn_1 failed provider\/overloaded\n.*by ws in work, taken 1 times\n.*asked: Send.*\n.*wanted act \{"to":"Ann"\}\n.*began act \(effect effect_1\)\n.*returned act: acted\nprovider\/overloaded busy\n/,
  )
  // oxlint-disable-next-line no-control-regex -- none may be there
  assert.doesNotMatch(out, /[\u001b\u202e]/, 'what others wrote cannot steer the terminal')
  const whole = JSON.parse((await cara(['turns', 'show', 'turn_1', '--json'], { running })).out)
  assert.deepEqual([whole.turn.state, whole.lines.length], ['failed', 4])
  assert.match((await cara(['turns', 'cancel', 'turn_1'], { running })).out, /had ended already/)
  assert.match((await cara(['turns', 'resume', 'turn_1'], { running })).out, /^turn_1 goes on\n/)
  assert.equal((await cara(['turns', 'resume', 'turn_1'], { running })).code, 1)
  assert.equal((await cara(['turns', 'show', 'turn_9'], { running })).code, 1)
})
