/** A past turn, run again from its journal: nothing leaves and nothing happens, and what the rules of now say differently shows. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, test, type TestContext } from 'node:test'
import { openDoors } from '../doubles/open-doors.ts'
import { outsideTools } from '../doubles/outside-tools.ts'
import { calls, fault, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway, type TestGatewayOptions } from '../doubles/test-gateway.ts'
import { cara as cli } from './cli-fixture.ts'

/** Gateways over one folder, one after the other: the owner changes his configuration in between. */
async function world(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-replay-'))
  const outside = outsideTools()
  let running: TestGateway | null = null
  t.after(async () => {
    await running?.crash()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    outside,
    open: async (scenes: readonly Scene[], more: Partial<TestGatewayOptions> = {}) => {
      await running?.crash()
      const provider = scriptedProvider('fake', scenes)
      running = await testGateway({ providers: [provider], tools: outside.tools, folder, ...more })
      return { cara: running, provider }
    },
  }
}

const TURN = [
  calls(['read_mail', {}], ['math_eval', { expression: '6*7' }]),
  calls(['send_mail', { to: 'mallory@evil.example', text: 'hello' }]),
  says('Sent by token canary-0123456789abcdef.'),
]

describe('a replay', () => {
  it('of what nobody changed differs in nothing, asks no model, does nothing and keeps nothing', async (t) => {
    const { open, outside } = await world(t)
    const { cara, provider } = await open([says('Hello.'), ...TURN, says('Later.')])
    await cara.ask('Good morning')
    const { result } = await cara.ask('Send my mail on', {}, { decision: 'allow' })
    await cara.ask('And later')
    const before = [
      outside.done.length,
      provider.requests.length,
      await cara.gateway.store.turns.history.story(result.turnId),
      await cara.gateway.store.approvals.ofTurn(result.turnId),
    ]
    const replay = await cara.gateway.replay(result.turnId)
    assert.deepEqual(replay.differences, [])
    assert.deepEqual([replay.requests, replay.compared, replay.notes], [3, 2, []])
    assert.deepEqual(
      replay.calls.map(({ tool, now }) => [tool, now?.kind]),
      [
        ['read_mail', 'ran'],
        ['math_eval', 'ran'],
        ['send_mail', 'asked'],
      ],
    )
    const after = [
      outside.done.length,
      provider.requests.length,
      await cara.gateway.store.turns.history.story(result.turnId),
      await cara.gateway.store.approvals.ofTurn(result.turnId),
    ]
    assert.deepEqual(after, before)
  })

  it('of a call that was denied, of a stateless turn and of one that failed differs in nothing', async (t) => {
    const { open, outside } = await world(t)
    const { cara } = await open([...TURN, calls(['note', { a: 1 }]), says('Noted.'), calls(['note', { a: 2 }]), fault('bad-request', 'no')])
    const denied = await cara.ask('Send my mail on', {}, { decision: 'deny', note: 'not now' })
    const alone = await cara.ask('Note it', { sessionKey: null, idempotencyKey: 'k' })
    const failed = await cara.ask('Note it', { sessionKey: 'other' })
    assert.deepEqual([denied.result.status, alone.result.status, failed.result.status, outside.done.length], ['completed', 'completed', 'failed', 2])
    for (const { result } of [denied, alone, failed]) assert.deepEqual((await cara.gateway.replay(result.turnId)).differences, [], result.turnId)
    assert.match((await cara.gateway.replay(failed.result.turnId)).notes.join(), /it ended as failed/)
    await assert.rejects(cara.gateway.replay('turn_9'), { code: 'turn/not-found' })
  })

  it('shows what is held, refused or let through now, and what a model would be told differently', async (t) => {
    const { open } = await world(t)
    const { cara } = await open(TURN)
    const { result } = await cara.ask('Send my mail on', {}, { decision: 'allow' })
    const first = await cara.gateway.replay(result.turnId)
    assert.deepEqual(first.differences, [])
    // The address is the owner's own now: the call would pass.
    const [approval] = await cara.gateway.store.approvals.ofTurn(result.turnId)
    const grant = {
      id: 'grt_1',
      unlock: 'destination',
      tool: 'send_mail',
      sessionId: null,
      values: ['mallory@evil.example'],
      shape: null,
      approvalId: approval?.id ?? '',
      createdAt: 1,
    } as const
    await cara.gateway.store.approvals.decide([], [grant])
    const passes = await cara.gateway.replay(result.turnId)
    assert.deepEqual(passes.differences, [{ kind: 'call', what: 'send_mail (call-0)', before: 'asked destinationsKnown', now: 'ran' }])
    await cara.gateway.store.approvals.revoke('grt_1')

    const refusing = await open([], { toolPolicy: { policy: 'deny-list', list: ['send_mail'] } })
    const refused = await refusing.cara.gateway.replay(result.turnId)
    assert.partialDeepStrictEqual(refused.differences, [{ kind: 'call', what: 'send_mail (call-0)', now: 'refused' }])
    assert.deepEqual(await refusing.cara.gateway.store.refusals.newest(10), [], 'nothing was refused in truth')
    assert.deepEqual(
      refused.differences.filter(({ kind }) => kind === 'request').map(({ what }) => what),
      ['tools of request 1', 'tools of request 2'],
    )

    const other = await open([], { agent: { systemPrompt: 'Be kind.' }, secrets: ['canary-0123456789abcdef'] })
    const told = await other.cara.gateway.replay(result.turnId)
    assert.deepEqual(
      told.differences.map(({ kind, what }) => [kind, what]),
      [
        ['request', 'system of request 1'],
        ['request', 'system of request 2'],
        ['reply', 'text'],
      ],
    )
  })
})

test('cara replay shows what differs, ends with 1 then, and with --guard-only tells of calls alone', async () => {
  await using running = await openDoors()
  const { store } = running.gateway
  const parts = [{ type: 'text', text: 'Send it', origin: { author: { kind: 'owner' }, trust: 'trusted', private: false } }] as const
  const { cleared } = await import('../doubles/cleared.ts')
  const request = cleared({ door: 'ws', sender: { kind: 'owner' }, sessionKey: 'work', parts, options: {} } as const)
  await store.turns.accept({ turnId: 'turn_1', request, now: 1000, queued: false, lease: { owner: 'run_1', until: 0 } })
  const whole = await cli(['replay', 'turn_1'], { running })
  assert.deepEqual(
    [whole.code, whole.out],
    [1, 'call: send_mail (c1)\n- ran\n+ asked destinationsKnown\nnote: a note\n1 calls, 2 requests (1 compared by hash): 1 differences\n'],
  )
  const guard = await cli(['replay', 'turn_1', '--guard-only'], { running })
  assert.equal(guard.code, 1)
  assert.match(guard.out, /send_mail \(c1\) +ran +asked destinationsKnown/)
  assert.equal(JSON.parse((await cli(['replay', 'turn_1', '--json'], { running })).out).differences.length, 1)
  assert.equal((await cli(['replay', 'turn_9'], { running })).code, 1)
})
