/** The store contract, on both engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Approval } from '../../src/contracts/approval.ts'
import type { Cleared } from '../../src/contracts/cleared.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { textOf } from '../../src/contracts/message.ts'
import { OWNER, type Origin } from '../../src/contracts/origin.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { InboundMessage, TurnResult } from '../../src/contracts/turn.ts'
import { NO_USAGE } from '../../src/contracts/usage.ts'
import { clearNow } from '../../src/guard/run-checkpoint.ts'
import { PASS } from '../../src/guard/stage.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { installPostgres, startPostgres } from '../doubles/postgres-server.ts'
import { lockState } from '../../src/store/state-lock.ts'

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected

function message(text: string, more: Partial<InboundMessage> = {}): Cleared<InboundMessage> {
  const inbound: InboundMessage = {
    door: 'test',
    sender: { kind: 'owner' },
    sessionKey: 'main',
    parts: [{ type: 'text', text, origin: OWNER }],
    options: {},
    ...more,
  }
  const decision = clearNow({ name: 'test', stages: [{ name: 'any', check: () => PASS }] }, inbound, null, () => {})
  assert.ok(decision.ok)
  return decision.value
}

function result(turnId: string, more: Partial<TurnResult> = {}): TurnResult {
  return {
    turnId,
    sessionKey: 'main',
    status: 'completed',
    text: 'hello',
    finishReason: 'stop',
    clientToolCalls: [],
    toolCalls: [],
    model: 'fake:model',
    usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 3 },
    costUsd: 0.25,
    durationMs: 5,
    ...more,
  }
}

const ASKED = message('asked')
const LEASE = { owner: 'run_1', until: 0 }
const NO_TAINT = { untrusted: false, private: false }
const QUESTION: Approval = {
  id: '',
  callId: 'c1',
  tool: 'act',
  input: {},
  binding: null,
  hash: 'h',
  effect: 'write',
  destinations: [],
  shown: [],
  holds: [],
  unlocks: ['once'],
  turnId: '',
  effectId: 'e1',
  sessionId: null,
  sessionKey: null,
  group: 'g1',
  status: 'pending',
  createdAt: 1,
  expiresAt: 90_000,
  decision: null,
}
const reply = { role: 'assistant', parts: [{ type: 'text', text: 'hello', origin: OWNER }] } as const

const noServer = installPostgres()
const server = noServer === null ? await startPostgres() : null
after(() => server?.stop())

const kinds = ['SQLite', 'PostgreSQL'].flatMap((engine) => [false, true].map((isSealed) => ({ engine, isSealed })))
for (const { engine, isSealed } of kinds)
  describe(`store on ${engine}${isSealed ? ' with sealed texts' : ''}`, { skip: engine === 'PostgreSQL' && noServer !== null && noServer }, () => {
    let folder = ''
    let store: Store
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cara-store-'))
      const url = engine === 'PostgreSQL' ? await server?.create() : undefined
      store = await openStore({ path: join(folder, 'carapace.db'), url, synchronous: 'full', encrypt: { isOn: isSealed, key: () => Buffer.alloc(32, 7) } })
    })
    after(async () => {
      await store.close()
      await rm(folder, { recursive: true })
    })

    it('keeps an accepted message as an unfinished turn and as a line of its conversation', async () => {
      const accepted = await store.turns.accept({ turnId: 'turn_1', request: message('hi'), queued: false, now: 1000, lease: LEASE })
      assert.equal(accepted.repeatedOf, null)
      const session = await store.sessions.find('main')
      assert.equal(session?.id, accepted.sessionId)
      assert.equal(session?.messageCount, 1)
      const [turn] = await store.turns.unfinished()
      assert.deepEqual(turn?.request, message('hi'))
      const tail = await store.sessions.tail(session?.id ?? '', { limit: 10 })
      assert.deepEqual(
        tail.map((entry) => [entry.message.role, entry.tokens]),
        [['user', 5]],
      )
    })

    it('reads back every step of the journal, in order', async () => {
      const { sessionId } = await store.turns.accept({
        turnId: 'turn_2',
        request: message('steps', { sessionKey: 'steps' }),
        queued: false,
        now: 2000,
        lease: LEASE,
      })
      const call = { type: 'tool-call', callId: 'c1', tool: 'current_time', input: { timezone: 'UTC' } } as const
      const steps = [
        { kind: 'assistant', message: { role: 'assistant', parts: [call] }, usage: NO_USAGE, model: 'fake:model' },
        { kind: 'tool-intent', callId: 'c1', tool: 'current_time', effectId: 'e1' },
        {
          kind: 'tool-result',
          ms: 4,
          message: { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', tool: 'current_time', output: 'noon', isError: false, origin: OWNER }] },
        },
      ] as const
      for (const step of steps) await store.turns.append({ turnId: 'turn_2', sessionId, fence: 1 }, [step], 2001)
      const turn = (await store.turns.unfinished()).find(({ turnId }) => turnId === 'turn_2')
      assert.deepEqual(turn?.steps, steps)
      await store.turns.finish({
        turnId: 'turn_2',
        sessionId,
        request: ASKED,
        fence: 1,
        reply,
        replyTokens: 2,
        result: result('turn_2'),
        taint: { untrusted: true, private: false },
        now: 2002,
      })
      const stored = await store.turns.result('turn_2')
      assert.equal(stored?.text, 'hello')
      assert.deepEqual(stored?.toolCalls, [{ callId: 'c1', tool: 'current_time', input: { timezone: 'UTC' }, output: 'noon', isError: false, ms: 4 }])
      assert.equal((await store.sessions.find('steps'))?.taint.untrusted, true)
      const tail = await store.sessions.tail(sessionId ?? '', { limit: 10 })
      assert.deepEqual(
        tail.map((entry) => entry.message.role),
        ['user', 'assistant', 'tool', 'assistant'],
      )
    })

    it('ends a turn once: a second end changes nothing and says so', async () => {
      const end = {
        turnId: 'turn_2',
        sessionId: null,
        fence: 1,
        request: ASKED,
        reply,
        replyTokens: 2,
        result: result('turn_2', { text: 'other' }),
        taint: NO_TAINT,
        now: 3000,
      }
      await assert.rejects(store.turns.finish(end), code('turn/lost'))
      assert.equal((await store.turns.result('turn_2'))?.text, 'hello')
    })

    it('answers a repeated idempotency key with the first turn, for a day, also when both arrive at once', async () => {
      const request = message('once', { idempotencyKey: 'key-1', sessionKey: 'once' })
      const both = await Promise.all(['turn_a', 'turn_b'].map((turnId) => store.turns.accept({ turnId, request, queued: false, now: 10_000, lease: LEASE })))
      const repeats = both.map(({ repeatedOf }) => repeatedOf)
      assert.deepEqual(repeats, repeats[0] === null ? [null, 'turn_a'] : ['turn_b', null])
      assert.equal((await store.sessions.find('once'))?.messageCount, 1)
      const next = await store.turns.accept({ turnId: 'turn_c', request, queued: false, now: 10_000 + 86_400_000, lease: LEASE })
      assert.equal(next.repeatedOf, null)
    })

    it('puts a queued message into its conversation when its turn begins, once', async () => {
      await store.turns.accept({ turnId: 'turn_q1', request: message('first', { sessionKey: 'lane' }), queued: false, now: 15_000, lease: LEASE })
      const second = message('second', { sessionKey: 'lane' })
      const { sessionId } = await store.turns.accept({ turnId: 'turn_q2', request: second, queued: true, now: 15_001, lease: LEASE })
      const texts = async () => (await store.sessions.tail(sessionId ?? '', { limit: 10 })).map((entry) => textOf(entry.message))
      assert.deepEqual(await texts(), ['first'])
      await store.turns.finish({
        turnId: 'turn_q1',
        sessionId,
        request: ASKED,
        fence: 1,
        reply,
        replyTokens: 1,
        result: result('turn_q1', { usage: NO_USAGE }),
        taint: NO_TAINT,
        now: 15_002,
      })
      await store.turns.begin({ turnId: 'turn_q2', sessionId, fence: 1 }, second, 15_003)
      await store.turns.begin({ turnId: 'turn_q2', sessionId, fence: 1 }, second, 15_004)
      assert.deepEqual(await texts(), ['first', 'hello', 'second'])
      assert.equal((await store.sessions.find('lane'))?.messageCount, 3)
    })

    it('keeps a stateless request whole in its turn', async () => {
      const request = message('alone', { sessionKey: null, options: { temperature: 0.5, context: [reply] } })
      const accepted = await store.turns.accept({ turnId: 'turn_s', request, queued: false, now: 20_000, lease: LEASE })
      assert.deepEqual([accepted.repeatedOf, accepted.sessionId], [null, null])
      await accepted.durable()
      assert.deepEqual((await store.turns.unfinished()).find(({ turnId }) => turnId === 'turn_s')?.request, request)
      await store.turns.finish({
        turnId: 'turn_s',
        sessionId: null,
        request: ASKED,
        fence: 1,
        reply,
        replyTokens: 1,
        result: result('turn_s', { sessionKey: null }),
        taint: NO_TAINT,
        now: 20_001,
      })
      assert.equal((await store.turns.result('turn_s'))?.text, 'hello')
    })

    it('keeps nothing more of a worker whose turn another has taken', async () => {
      const request = message('fenced', { sessionKey: 'fenced' })
      const { sessionId } = await store.turns.accept({ turnId: 'turn_f', request, queued: true, now: 25_000, lease: { owner: 'run_1', until: 26_000 } })
      const { leases } = store.turns
      assert.equal(await leases.claim('turn_f', { owner: 'run_2', until: 32_000 }, 25_999), null, 'its lease runs')
      assert.deepEqual(await leases.lapsed(25_999, 100), await leases.lapsed(0, 100))
      assert.ok((await leases.lapsed(26_000, 100)).includes('turn_f'))
      assert.equal(await leases.claim('turn_f', { owner: 'run_2', until: 32_000 }, 26_000), 2)
      const [old, held] = [1, 2].map((fence) => ({ turnId: 'turn_f', sessionId, fence }))
      assert.ok(old !== undefined && held !== undefined)
      const step = { kind: 'tool-intent', callId: 'c1', tool: 'act', effectId: 'e1' } as const
      const end = { request, reply, replyTokens: 2, result: result('turn_f', { usage: NO_USAGE }), taint: NO_TAINT, now: 26_002 }
      const before = await store.turns.open('turn_f')
      for (const write of [
        () => store.turns.begin(old, request, 26_001),
        () => store.turns.append(old, [step], 26_001),
        () => store.turns.finish({ ...old, ...end }),
        () => store.approvals.ask(old, [], 10),
      ])
        await assert.rejects(write, code('turn/lost'))
      assert.deepEqual(await store.turns.open('turn_f'), before)
      assert.deepEqual(await store.sessions.tail(sessionId ?? '', { limit: 10 }), [])
      await store.turns.begin(held, request, 26_001)
      await store.turns.append(held, [step], 26_001)
      await leases.renew({ owner: 'run_2', until: 40_000 })
      assert.equal(await leases.claim('turn_f', { owner: 'run_3', until: 50_000 }, 39_999), null, 'it was renewed')
      assert.equal(await leases.claim('turn_f', { owner: 'run_2', until: 50_000 }, 0), 3, 'his own he may take again')
      await assert.rejects(store.turns.append(held, [step], 26_001), code('turn/lost'))
      await store.turns.finish({ ...held, fence: 3, ...end })
      assert.equal(await leases.claim('turn_f', { owner: 'run_2', until: 50_000 }, Number.MAX_SAFE_INTEGER), null, 'it has ended')
    })

    it('lets a turn sleep, which nobody holds until it is time', async () => {
      const { leases, history } = store.turns
      const lease = { owner: 'run_1', until: Number.MAX_SAFE_INTEGER }
      const { sessionId } = await store.turns.accept({
        turnId: 'turn_z',
        request: message('sleep', { sessionKey: 'sleep' }),
        queued: false,
        now: 29_000,
        lease,
      })
      const held = { turnId: 'turn_z', sessionId, fence: 1 }
      assert.equal(await leases.sleep(held, 31_001, 2000), false, 'too long after it was accepted')
      assert.equal(await leases.sleepsUntil('turn_z'), null)
      assert.equal(await leases.sleep(held, 31_000, 2000), true)
      assert.equal(await leases.sleepsUntil('turn_z'), 31_000)
      assert.partialDeepStrictEqual(await history.get('turn_z'), { state: 'waiting', questions: 0, wakesAt: 31_000 })
      assert.ok(!(await leases.lapsed(30_999, 100)).includes('turn_z'))
      assert.equal(await leases.claim('turn_z', { owner: 'run_2', until: 40_000 }, 30_999), null, 'it is not time')
      assert.ok((await leases.lapsed(31_000, 100)).includes('turn_z'))
      assert.equal(await leases.claim('turn_z', { owner: 'run_2', until: 40_000 }, 31_000), 2)
      await assert.rejects(leases.sleep(held, 31_000, 2000), code('turn/lost'))
      assert.equal(await leases.sleep({ ...held, fence: 2 }, 31_000, 2000), true)
      await leases.wake('turn_z')
      assert.equal(await leases.claim('turn_z', { owner: 'run_3', until: 40_000 }, 0), 3, 'who wakes it need not wait')
      await store.turns.finish({
        ...held,
        fence: 3,
        request: ASKED,
        reply,
        replyTokens: 2,
        result: result('turn_z', { usage: NO_USAGE }),
        taint: NO_TAINT,
        now: 29_001,
      })
      assert.equal(await store.sessions.delete('sleep'), true)
    })

    it('tells where turns stand and what they did, and takes the end of one back while its conversation stands still', async () => {
      const { history } = store.turns
      const lease = { owner: 'run_1', until: 30_000 }
      const request = message('tell', { sessionKey: 'told', options: { temperature: 0.5, context: [reply] } })
      const { sessionId } = await store.turns.accept({ turnId: 'turn_t1', request, queued: false, now: 28_000, lease })
      const held = { turnId: 'turn_t1', sessionId, fence: 1 }
      const states = async () => (await history.list({ limit: 10, sessionKey: 'told' })).map(({ turnId, state }) => [turnId, state])
      assert.deepEqual(await states(), [['turn_t1', 'running']])
      await store.turns.append(held, [{ kind: 'tool-intent', callId: 'c1', tool: 'act', effectId: 'e1' }], 28_001)
      const error = { code: 'provider/overloaded', message: 'busy' } as const
      const failed = result('turn_t1', { status: 'failed', error, usage: NO_USAGE })
      await store.turns.finish({ ...held, request, reply, replyTokens: 2, result: failed, taint: NO_TAINT, now: 28_002 })
      assert.partialDeepStrictEqual(await history.get('turn_t1'), { state: 'failed', error, door: 'test', questions: 0, sessionKey: 'told', fence: 1 })
      assert.deepEqual(
        (await history.story('turn_t1')).map((line) => (line.kind === 'began' ? line.tool : `${line.kind} ${textOf(line.message)}`)),
        ['asked hello', 'asked tell', 'act', 'replied hello'],
      )
      assert.equal(await history.reopen('turn_t1'), true)
      assert.deepEqual([await states(), (await store.sessions.find('told'))?.messageCount], [[['turn_t1', 'left']], 2])
      const open = await store.turns.open('turn_t1')
      assert.deepEqual([open?.request, open?.owner, open?.steps.length], [request, null, 1])
      assert.equal(await history.reopen('turn_t1'), false, 'it has not ended')
      assert.equal(await store.turns.leases.claim('turn_t1', lease, 0), 2)
      await store.turns.finish({ ...held, fence: 2, request, reply, replyTokens: 2, result: failed, taint: NO_TAINT, now: 28_004 })
      await store.turns.accept({ turnId: 'turn_t2', request: message('next', { sessionKey: 'told' }), queued: false, now: 28_005, lease })
      assert.equal(await history.reopen('turn_t1'), false, 'its conversation has gone on')
      const next = {
        turnId: 'turn_t2',
        sessionId,
        fence: 1,
        request: ASKED,
        reply,
        replyTokens: 2,
        result: result('turn_t2', { usage: NO_USAGE }),
        taint: NO_TAINT,
        now: 28_006,
      }
      await store.turns.finish(next)
      assert.equal(await history.reopen('turn_t2'), false, 'it was completed')
      assert.deepEqual(await states(), [
        ['turn_t2', 'completed'],
        ['turn_t1', 'failed'],
      ])
      assert.equal(await history.get('turn_t9'), null)
      assert.equal(await store.sessions.delete('told'), true)
    })

    it('keeps which questions were told, by the notice that tells of them', async () => {
      const lease = { owner: 'run_1', until: Number.MAX_SAFE_INTEGER }
      const { sessionId } = await store.turns.accept({ turnId: 'turn_n', request: message('tell', { sessionKey: 'tell' }), queued: false, now: 27_000, lease })
      const held = { turnId: 'turn_n', sessionId, fence: 1 }
      const asked = ['apr_n1', 'apr_n2', 'apr_n3'].map((id): Approval => Object.assign({}, QUESTION, { id, turnId: 'turn_n', sessionId }))
      assert.deepEqual(await store.approvals.untold('notice_0'), [])
      assert.equal(await store.approvals.ask(held, asked.slice(0, 2), 10), true)
      const untold = async (fresh: string) => (await store.approvals.untold(fresh)).map(({ id, approvals }) => [id, approvals.map((one) => one.id)])
      const decided = { at: 2, by: 'owner', door: 'test', unlock: null, input: null, hash: null, note: null }
      assert.deepEqual(await untold('notice_1'), [['notice_1', ['apr_n1', 'apr_n2']]])
      await store.approvals.decide([{ id: 'apr_n1', status: 'denied', decided }], [])
      assert.equal(await store.approvals.ask(held, asked.slice(2), 10), true)
      assert.deepEqual(await untold('notice_2'), [
        ['notice_1', ['apr_n2']],
        ['notice_2', ['apr_n3']],
      ])
      await store.approvals.told('notice_1', 28_000)
      assert.deepEqual(await untold('notice_3'), [['notice_2', ['apr_n3']]])
      await store.approvals.told('notice_2', 28_000)
      assert.deepEqual(await untold('notice_4'), [])
      assert.equal(await store.sessions.delete('tell'), true)
    })

    it('lets go of a turn in the commit that asks the owner', async () => {
      const lease = { owner: 'run_1', until: Number.MAX_SAFE_INTEGER }
      const { sessionId } = await store.turns.accept({ turnId: 'turn_w', request: message('wait', { sessionKey: 'wait' }), queued: false, now: 27_000, lease })
      const held = { turnId: 'turn_w', sessionId, fence: 1 }
      assert.equal(await store.approvals.ask(held, [], 10), true)
      assert.equal((await store.turns.open('turn_w'))?.owner, null)
      assert.ok(!(await store.turns.leases.lapsed(Number.MAX_SAFE_INTEGER, 100)).includes('turn_w'), 'it waits, and nobody has left it')
      assert.equal(await store.turns.leases.claim('turn_w', { owner: 'run_2', until: 32_000 }, 0), 2, 'whoever hears the answer takes it')
      await assert.rejects(store.approvals.ask(held, [], 10), code('turn/lost'))
      await store.turns.finish({
        ...held,
        fence: 2,
        request: ASKED,
        reply,
        replyTokens: 2,
        result: result('turn_w', { usage: NO_USAGE }),
        taint: NO_TAINT,
        now: 27_002,
      })
    })

    it('lists, searches, renames, resets and deletes sessions', async () => {
      await store.sessions.open('alpha', 30_000)
      await store.sessions.open('beta_1', 30_001)
      assert.deepEqual((await store.sessions.list({ limit: 2, offset: 0 })).sessions.length, 2)
      assert.deepEqual(
        (await store.sessions.list({ limit: 10, offset: 0, search: 'a_1' })).sessions.map(({ key }) => key),
        ['beta_1'],
      )
      await assert.rejects(store.sessions.rename('alpha', { key: 'beta_1' }), code('session/exists'))
      assert.equal((await store.sessions.rename('alpha', { key: 'gamma', title: 'Third', model: 'a:b' })).model, 'a:b')
      await assert.rejects(store.sessions.rename('alpha', { title: 'x' }), code('session/not-found'))
      const steps = await store.sessions.find('steps')
      await store.sessions.reset('steps', 31_000)
      assert.deepEqual(await store.sessions.tail(steps?.id ?? '', { limit: 10 }), [])
      assert.deepEqual((await store.sessions.find('steps'))?.taint, NO_TAINT)
      assert.equal(await store.sessions.delete('gamma'), true)
      assert.equal(await store.sessions.delete('gamma'), false)
    })

    it('replaces a summary only by one that covers more, and never forgets taint', async () => {
      const { id } = await store.sessions.open('long', 40_000)
      await store.sessions.saveSummary(id, { coversUntil: 10, text: 'ten', tokens: 1, taint: { untrusted: true, private: true } }, 1)
      await store.sessions.saveSummary(id, { coversUntil: 5, text: 'five', tokens: 1, taint: NO_TAINT }, 2)
      assert.deepEqual(await store.sessions.summary(id), { coversUntil: 10, text: 'ten', tokens: 1, taint: { untrusted: true, private: true } })
    })

    it('keeps the origin of a memory record and finds it by any of its words', async () => {
      const web: Origin = { author: { kind: 'web', host: 'example.org' }, trust: 'untrusted', private: false }
      await store.memory.write({ key: 'sister', value: 'My sister is called Anna', origin: OWNER, now: 1 })
      await store.memory.write({ key: 'blog', value: 'Crème brûlée recipes', origin: web, now: 2 })
      assert.deepEqual(
        (await store.memory.search('creme', 5)).map(({ origin }) => origin),
        [web],
      )
      assert.deepEqual(
        (await store.memory.search('who is my sister?', 5)).map(({ key }) => key),
        ['sister'],
      )
      assert.deepEqual(await store.memory.search('"*) OR (', 5), [])
      await store.memory.write({ key: 'sister', value: 'Berta', origin: web, now: 3 })
      assert.deepEqual(await store.memory.search('Anna', 5), [])
      assert.equal((await store.memory.read('sister'))?.createdAt, 1)
      assert.deepEqual(
        (await store.memory.list({ prefix: 'b', limit: 5 })).map(({ key }) => key),
        ['blog'],
      )
      assert.equal(await store.memory.delete('blog'), true)
      assert.equal(await store.memory.delete('blog'), false)
      await assert.rejects(store.memory.write({ key: 'k'.repeat(1025), value: '', origin: OWNER, now: 4 }), code('memory/too-large'))
      await assert.rejects(store.memory.write({ key: 'k', value: 'v'.repeat(65_537), origin: OWNER, now: 4 }), code('memory/too-large'))
      for (let index = 0; index < 63; index++) await store.memory.write({ key: `big-${index}`, value: 'v'.repeat(65_000), origin: OWNER, now: 5 })
      await store.memory.write({ key: 'big-64', value: 'v'.repeat(65_000), origin: OWNER, now: 5 })
      await assert.rejects(store.memory.write({ key: 'big-65', value: 'v'.repeat(65_000), origin: OWNER, now: 5 }), code('memory/full'))
    })

    it('adds usage up by day, model and session', async () => {
      const byModel = await store.usage.summarize({ by: 'model', sinceMs: 0 })
      assert.deepEqual(byModel, [{ group: 'fake:model', turns: 2, usage: { ...NO_USAGE, inputTokens: 20, outputTokens: 6 }, costUsd: 0.5, unpricedTurns: 0 }])
      assert.deepEqual(
        (await store.usage.summarize({ by: 'day', sinceMs: 0 })).map(({ group }) => group),
        ['1970-01-01'],
      )
      assert.deepEqual(
        (await store.usage.summarize({ by: 'session', sinceMs: 0 })).map(({ group }) => group),
        ['(stateless)', 'steps'],
      )
      assert.deepEqual(await store.usage.summarize({ by: 'day', sinceMs: 1e12 }), [])
    })

    it('keeps messages in the order of their lanes, gives each part to one worker, and takes them back', async () => {
      const { outbox } = store
      const facts = { purpose: 'tool', turnId: 'turn_1', sessionId: null, createdAt: 1000, expiresAt: 9000 } as const
      const bounds = { parts: 4, bytes: 100 }
      const add = (id: string, parts: readonly string[], lane = 'a') => outbox.accept({ ...facts, id, key: `key of ${id}`, to: lane, lane, parts }, bounds)
      assert.deepEqual(await add('out_1', ['one', 'two']), { kind: 'new', id: 'out_1' })
      assert.deepEqual(await add('out_2', ['three']), { kind: 'new', id: 'out_2' })
      assert.deepEqual(await outbox.accept({ ...facts, id: 'out_9', key: 'key of out_1', to: 'a', lane: 'a', parts: ['x'] }, bounds), {
        kind: 'known',
        id: 'out_1',
      })
      assert.deepEqual(await add('out_3', ['x', 'y']), { kind: 'full' })
      assert.deepEqual(await add('out_3', ['é'.repeat(51)], 'b'), { kind: 'full' })
      await add('out_4', ['four'], 'b')
      assert.deepEqual(
        (await outbox.heads()).map(({ lane, dueAt, leaseUntil }) => [lane, dueAt, leaseUntil]),
        [
          ['a', 1000, null],
          ['b', 1000, null],
        ],
      )
      const one = { id: 'out_1', part: 1 }
      assert.partialDeepStrictEqual(await outbox.head('a'), { ...one, parts: 2, text: 'one', attempts: 0, key: 'key of out_1', expiresAt: 9000 })
      const claim = { owner: 'w1', until: 2000, now: 1000 }
      assert.equal(await outbox.claim({ id: 'out_2', part: 1 }, claim), null)
      assert.equal(await outbox.claim(one, { ...claim, now: 999 }), null)
      assert.deepEqual(await outbox.claim(one, claim), { fence: 1, mayRepeat: false })
      assert.equal(await outbox.claim(one, { ...claim, owner: 'w2' }), null)
      assert.deepEqual(await outbox.claim(one, { owner: 'w2', until: 3000, now: 2000 }), { fence: 2, mayRepeat: true })
      const lost = { ...one, fence: 1 }
      await assert.rejects(outbox.sent(lost, 1), code('store/conflict'))
      await assert.rejects(outbox.postpone(lost, { dueAt: 1, why: '', isUnknown: false }), code('store/conflict'))
      await assert.rejects(outbox.kill(lost, '', 1), code('store/conflict'))
      const leaseOf = async () => (await outbox.head('a'))?.leaseUntil
      await outbox.renew([lost, { ...one, fence: 2 }], { owner: 'w1', until: 9000 })
      await outbox.renew([lost], { owner: 'w2', until: 9000 })
      assert.equal(await leaseOf(), 3000, 'what was lost stays lost')
      const elsewhere = { id: 'out_2', part: 1, fence: 0 }
      await outbox.renew([elsewhere, { ...one, fence: 2 }], { owner: 'w2', until: 3500 })
      await outbox.renew([], { owner: 'w2', until: 9000 })
      assert.deepEqual([await leaseOf(), (await outbox.head('b'))?.leaseUntil], [3500, null])
      await outbox.postpone({ ...one, fence: 2 }, { dueAt: 4000, why: 'it failed', isUnknown: false })
      assert.partialDeepStrictEqual(await outbox.get('out_1'), {
        status: 'waiting',
        parts: 2,
        sentParts: 0,
        attempts: 2,
        mayRepeat: true,
        why: 'it failed',
        bytes: 6,
        dueAt: 1000,
      })
      assert.deepEqual(await outbox.claim(one, { owner: 'w1', until: 5000, now: 4000 }), { fence: 3, mayRepeat: true })
      await outbox.sent({ ...one, fence: 3 }, 4001)
      assert.deepEqual(await outbox.texts('out_1'), ['two'])
      const two = { id: 'out_1', part: 2 }
      assert.deepEqual(await outbox.claim(two, { owner: 'w1', until: 6000, now: 5000 }), { fence: 1, mayRepeat: false })
      await outbox.releaseAll()
      assert.deepEqual(await outbox.claim(two, { owner: 'w3', until: 6000, now: 5000 }), { fence: 2, mayRepeat: true })
      await outbox.kill({ ...two, fence: 2 }, 'refused', 5001)
      assert.partialDeepStrictEqual(await outbox.get('out_1'), { status: 'dead', sentParts: 1, why: 'refused', dueAt: null, settledAt: 5001 })
      const ids = async (query: Omit<Parameters<typeof outbox.list>[0], 'limit'>) => (await outbox.list({ ...query, limit: 10 })).map(({ id }) => id)
      assert.deepEqual([await ids({}), await ids({ to: 'b' }), await ids({ status: 'dead' })], [['out_4', 'out_2', 'out_1'], ['out_4'], ['out_1']])
      assert.equal(await outbox.retry('out_1', { now: 7000, expiresAt: 20_000 }), true)
      assert.equal(await outbox.retry('out_1', { now: 7000, expiresAt: 20_000 }), false)
      assert.partialDeepStrictEqual(await outbox.head('a'), { ...two, attempts: 0, dueAt: 7000, expiresAt: 20_000, leaseUntil: null })
      assert.equal(await outbox.drop('out_1', 8000), true)
      assert.equal(await outbox.drop('out_1', 8000), false)
      assert.partialDeepStrictEqual(await outbox.get('out_1'), { status: 'dropped', settledAt: 8000 })
      assert.deepEqual(
        [await outbox.texts('out_1'), await ids({ status: 'dropped' }), await ids({ status: 'waiting', to: 'a' }), await ids({ status: 'sent' })],
        [[], ['out_1'], ['out_2'], []],
      )
    })

    it('is sound, and knows its size', async () => {
      assert.deepEqual(await store.check(), [])
      assert.ok((await store.size()) > 10_000)
    })
  })

describe('embedded engine', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cara-sqlite-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('shares one transaction between commits of one moment, and keeps a failing one apart', async () => {
    const database = openSqlite({ path: join(folder, 'one.db'), synchronous: 'normal' })
    await database.commit([{ sql: 'CREATE TABLE t (a INTEGER UNIQUE)', params: [] }])
    const insert = (a: number) => ({ sql: 'INSERT INTO t VALUES ($1)', params: [a] })
    const outcomes = await Promise.allSettled([
      database.commit([insert(1)]),
      database.commit([insert(2), insert(1)]),
      database.commit([{ ...insert(3), expectChanges: 2 }]),
      database.commit([insert(4)]),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(
      (await database.query('SELECT a FROM t ORDER BY a', [])).map((row) => row['a']),
      [1, 4],
    )
    await database.close()
    await assert.rejects(database.commit([insert(9)]), code('store/unavailable'))
  })

  it('does not say that something is kept before it reached the disk, and needs no disk where the owner said so', async () => {
    let flushes = 0
    let gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const flush = () => {
      flushes++
      asked.resolve()
      return gate.promise
    }
    const full = openSqlite({ path: join(folder, 'full.db'), synchronous: 'full', flush })
    let isKept = false
    const commit = full.commit([{ sql: 'CREATE TABLE t (a INTEGER)', params: [] }]).then(() => (isKept = true))
    const written = await full.write([{ sql: 'CREATE TABLE u (a INTEGER)', params: [] }])
    await asked.promise
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([isKept, flushes], [false, 1])
    gate.resolve()
    await commit
    gate = Promise.withResolvers<void>()
    gate.resolve()
    await written.durable()
    assert.ok(flushes >= 1)
    await full.close()
    const normal = openSqlite({ path: join(folder, 'normal.db'), synchronous: 'normal', flush: () => Promise.reject(new Error('not asked')) })
    await normal.commit([{ sql: 'CREATE TABLE t (a INTEGER)', params: [] }])
    await normal.close()
  })

  it('binds a parameter that stands twice or out of order', async () => {
    const database = openSqlite({ path: join(folder, 'bind.db'), synchronous: 'normal' })
    assert.deepEqual({ ...(await database.query('SELECT $2 AS b, $1 AS a, $2 AS c', [1, 2]))[0] }, { b: 2, a: 1, c: 2 })
    await database.close()
  })

  it('refuses a file that is no database, and one of a newer version, with what to do', async () => {
    await writeFile(join(folder, 'noise.db'), 'x'.repeat(8192))
    await assert.rejects(openStore({ path: join(folder, 'noise.db'), synchronous: 'full' }), code('store/corrupt'))
    const newer = new DatabaseSync(join(folder, 'newer.db'))
    newer.exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); INSERT INTO meta VALUES ('schema', '999')")
    newer.close()
    await assert.rejects(openStore({ path: join(folder, 'newer.db'), synchronous: 'full' }), code('store/newer'))
    await assert.rejects(openStore({ path: join(folder, 'none', 'x.db'), synchronous: 'full' }), code('store/unavailable'))
  })

  it('locks a state folder against a second process, and frees it', () => {
    const path = join(folder, 'lock')
    const lock = lockState(path)
    assert.throws(() => lockState(path), code('state/locked'))
    lock.release()
    lockState(path).release()
  })
})
