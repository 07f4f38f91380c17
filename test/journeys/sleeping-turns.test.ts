/** A model that says when to ask again: the turn waits in the journal, not in memory, and goes on by itself. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { InboundMessage } from '../../src/contracts/turn.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { manualClock } from '../doubles/manual-clock.ts'
import { calls, fault, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../doubles/test-gateway.ts'
import { until } from '../doubles/until.ts'

const LATER_MS = 600_000
const busy = fault('rate-limit', 'slow down', LATER_MS)

async function world(t: TestContext, agent: Record<string, unknown> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-sleeping-'))
  const clock = manualClock()
  let running: TestGateway | null = null
  t.after(async () => {
    await running?.crash()
    await rm(folder, { recursive: true, force: true })
  })
  const open = async (scenes: readonly Scene[]) => {
    await running?.crash()
    const provider = scriptedProvider('fake', scenes)
    running = await testGateway({ providers: [provider], folder, clock, agent })
    await running.recover()
    return { cara: running, provider }
  }
  return { open, clock }
}

async function send(cara: TestGateway, text: string, more: Partial<InboundMessage> = {}): Promise<string> {
  const message = { door: 'test', sender: OWNER.author, sessionKey: 'main', parts: [{ type: 'text', text, origin: OWNER }], options: {}, ...more } as const
  return (await cara.gateway.submit(message)).turnId
}

async function sleeping(cara: TestGateway, turnId: string) {
  const look = () => cara.gateway.store.turns.history.get(turnId)
  await until(async () => {
    const state = (await look())?.state
    assert.notEqual(state, 'failed')
    return state === 'waiting' && cara.gateway.status().activeTurns === 0
  })
  const turn = await look()
  assert.ok(turn !== null)
  return turn
}

const end = (cara: TestGateway, turnId: string) => cara.gateway.wait(turnId, AbortSignal.timeout(5000))

describe('a turn whose model says when to ask again', () => {
  it('takes no place while it waits, keeps the order of its conversation, and goes on at that time and not before', async (t) => {
    const { open, clock } = await world(t)
    const { cara, provider } = await open([calls(['memory_write', { key: 'tea', value: 'green' }]), busy, says('Noted.'), says('Next.')])
    const first = await send(cara, 'remember tea')
    const { wakesAt } = await sleeping(cara, first)
    assert.equal(wakesAt, clock.now() + LATER_MS)
    const second = await send(cara, 'and then')
    clock.advance(LATER_MS - 1)
    await cara.look()
    assert.deepEqual([provider.requests.length, cara.gateway.status().queuedTurns], [2, 1], 'the next message waits behind it')
    clock.advance(1)
    await cara.look()
    assert.deepEqual([(await end(cara, first)).text, (await end(cara, second)).text], ['Noted.', 'Next.'])
    assert.equal((await cara.undo.list({ limit: 10 })).length, 1, 'what was done is not done again')
    const story = await cara.gateway.store.turns.history.story(first)
    assert.deepEqual(
      story.map(({ kind }) => kind),
      ['asked', 'answered', 'began', 'returned', 'replied'],
    )
  })

  it('sleeps through a restart, also through the time itself', async (t) => {
    const { open, clock } = await world(t)
    const first = await open([busy])
    const turnId = await send(first.cara, 'hello')
    await sleeping(first.cara, turnId)
    const second = await open([says('Hello.')])
    await sleeping(second.cara, turnId)
    assert.equal(second.provider.requests.length, 0)
    clock.advance(LATER_MS)
    const third = await open([says('Hello.')])
    assert.equal((await end(third.cara, turnId)).text, 'Hello.')
  })

  it('can be cancelled, and taken up before its time', async (t) => {
    const { open } = await world(t)
    const { cara } = await open([busy, busy, says('Sooner.')])
    const cancelled = await send(cara, 'hello')
    await sleeping(cara, cancelled)
    assert.equal(await cara.gateway.abort({ turnId: cancelled }, 'enough'), 1)
    assert.equal((await end(cara, cancelled)).status, 'cancelled')
    const resumed = await send(cara, 'hello again')
    await sleeping(cara, resumed)
    await cara.gateway.resume(resumed)
    assert.equal((await end(cara, resumed)).text, 'Sooner.')
  })

  it('fails at once outside a conversation, where it may not wait, and beyond what it may wait in all', async (t) => {
    const { open, clock } = await world(t)
    const { cara } = await open([busy, busy, busy, busy])
    const alone = await cara.ask('hello', { sessionKey: null, idempotencyKey: 'k' })
    assert.deepEqual([alone.result.error?.code, alone.result.error?.retryAfterMs], ['provider/rate-limit', LATER_MS])
    const turnId = await send(cara, 'hello')
    await sleeping(cara, turnId)
    clock.advance(3_600_000)
    await cara.look()
    assert.equal((await end(cara, turnId)).error?.code, 'provider/rate-limit', 'an hour after its acceptance')
    const never = await world(t, { maxModelWaitMs: 0 })
    assert.equal((await (await never.open([busy])).cara.ask('hello')).result.error?.code, 'provider/rate-limit')
  })
})
