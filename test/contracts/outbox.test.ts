/** The outbox over a real database and receivers on loopback: order, what is tried again and when, bounds, and who holds up whom. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Database } from '../../src/contracts/store.ts'
import { createAnnouncer } from '../../src/gateway/announce.ts'
import { openStore } from '../../src/store/open-store.ts'
import { messageSend } from '../../src/tools/message-send.ts'
import { cleared } from '../doubles/cleared.ts'
import { openOutbox, turnedClock } from '../doubles/open-outbox.ts'
import { installPostgres, startPostgres } from '../doubles/postgres-server.ts'
import { startWebhookServer, type WebhookAnswer } from '../doubles/webhook-server.ts'
import { runTool } from './tool-contract.ts'

const noServer = installPostgres()
const SOON = () => AbortSignal.timeout(10_000)
/** A server that is slow to take what it gets, until it is let go. */
function slow() {
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const wrap =
    (fetch: EgressFetch): EgressFetch =>
    async (request, signal) => {
      begun.resolve()
      signal.addEventListener('abort', () => gate.reject(signal.reason))
      await gate.promise
      return fetch(request, signal)
    }
  return { begun: begun.promise, letGo: () => gate.resolve(), wrap }
}

const texts = (posts: readonly { readonly body: string }[]) => posts.map(({ body }) => body)

async function withReceiver(answers: readonly (WebhookAnswer | 'drop')[], format: 'text' | 'json' | 'slack' | 'discord' = 'text') {
  const server = await startWebhookServer(answers)
  const mine = await openOutbox({ to: { mine: { url: server.url.href, format } } })
  return {
    ...mine,
    server,
    async [Symbol.asyncDispose]() {
      await mine[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('a message', () => {
  it('is tried again under its key where it may pass later, as late as the receiver asks', async () => {
    await using mine = await withReceiver([{ status: 429, headers: { 'retry-after': '7' } }, { status: 503 }, 'drop'])
    const accepted = await mine.send('hello', { key: 'key-1' })
    assert.deepEqual(await accepted.outcome(10_000, SOON()), { status: 'queued', why: 'the server limits our rate' })
    await mine.clock.advance(6999)
    assert.equal(mine.server.posts.length, 1)
    await mine.clock.advance(1)
    await mine.until(() => mine.server.posts.length === 2)
    assert.equal((await mine.drained())[0]?.status, 'sent')
    assert.equal(mine.server.posts.length, 4)
    assert.deepEqual(new Set(mine.server.posts.map(({ headers }) => headers['idempotency-key'])), new Set(['key-1']))
    assert.deepEqual(await accepted.outcome(0, SOON()), { status: 'sent' })
  })

  it('waits longer after each failure', async () => {
    await using mine = await withReceiver(Array.from({ length: 4 }, () => ({ status: 500 })))
    await mine.send('hello')
    const waits: number[] = []
    for (let attempt = 1; attempt < 5; attempt++) {
      await mine.until(async () => mine.server.posts.length === attempt && ((await mine.store.outbox.head('mine'))?.leaseUntil ?? null) === null)
      const due = ((await mine.store.outbox.head('mine'))?.dueAt ?? 0) - mine.clock.now()
      waits.push(due)
      await mine.clock.advance(due)
    }
    await mine.drained()
    assert.deepEqual(waits, [500, 1000, 2000, 4000])
  })

  it('is dead at once where the receiver refuses it, after its attempts, and after its time', async () => {
    await using refused = await withReceiver([{ status: 404 }])
    const accepted = await refused.send('hello')
    await assert.rejects(accepted.outcome(10_000, SOON()), {
      code: 'message/undelivered',
      message: /mine: the server refused it/,
      hint: /cara outbox show out_/,
    })
    assert.deepEqual(
      (await refused.drained()).map(({ status, why, attempts }) => [status, why, attempts]),
      [['dead', 'the server refused it', 1]],
    )
    await using failing = await withReceiver(Array.from({ length: 100 }, () => ({ status: 500 })))
    await failing.send('hello')
    assert.deepEqual(
      (await failing.drained()).map(({ status, attempts }) => [status, attempts]),
      [['dead', 20]],
    )
    assert.equal(failing.server.posts.length, 20)
    await using late = await withReceiver([{ status: 429, headers: { 'retry-after': '86400' } }])
    await late.send('hello', { until: late.clock.now() + 60_000 })
    const [entry] = await late.drained()
    assert.deepEqual([entry?.status, entry?.why, late.server.posts.length], ['dead', 'it could not be delivered within 1 minutes', 1])
  })

  it('is the same message by its key, whatever it says', async () => {
    await using mine = await withReceiver([])
    const first = await mine.send('hello', { key: 'k' })
    assert.deepEqual(await first.outcome(10_000, SOON()), { status: 'sent' })
    const again = await mine.send('hello', { key: 'k' })
    assert.deepEqual([again.id, await again.outcome(0, SOON())], [first.id, { status: 'sent' }])
    assert.equal(mine.server.posts.length, 1)
    const entry = await mine.store.outbox.get(first.id)
    assert.deepEqual([entry?.status, entry?.turnId, await mine.store.outbox.texts(first.id)], ['sent', 't1', []], 'what it said is forgotten')
  })

  it('that the gateway sends by itself is the same by the id that it gives', async () => {
    await using mine = await withReceiver([])
    const kept: string[] = []
    const trail = {
      note: () => undefined,
      keep: async ({ kind }: { readonly kind: string }) => void kept.push(kind),
      mac: (text: string) => text,
      faults: () => [],
    }
    const announcer = createAnnouncer(mine.outbox, trail, mine.clock)
    const notice = { to: 'mine', text: 'hello', purpose: 'approval', by: 'test' } as const
    const ids = new Set<string>()
    for (const more of [{ id: 'same' }, { id: 'same' }, {}, {}]) ids.add((await announcer.announce({ ...notice, ...more })).id)
    await mine.drained()
    assert.deepEqual([ids.size, mine.server.posts.length, kept], [3, 3, Array.from({ length: 4 }, () => 'message-intended')])
  })

  it('is marked as a possible repeat after an outcome that nobody knows, where the receiver knows no keys, and only then', async () => {
    await using slack = await withReceiver([{ status: 503 }, 'drop', { status: 200 }], 'slack')
    await slack.send('hello')
    await slack.drained()
    assert.deepEqual(
      slack.server.posts.map(({ body }) => JSON.parse(body).text),
      ['hello', 'hello', '(possibly a repeat)\nhello'],
    )
    assert.partialDeepStrictEqual(slack.receipts, [{ kind: 'message-completed', id: 'hello', outcome: 'ok', attempts: 3, mayRepeat: true, turn: 't1' }])
  })

  it('tells a tool whether it was sent or waits, and a model never to send it again', async () => {
    await using mine = await withReceiver([{ status: 200 }, { status: 503 }, { status: 403 }])
    const send = (text: string) => runTool(messageSend(mine.outbox), { to: 'mine', text }, { effectId: text })
    assert.equal((await send('one')).output, 'Sent')
    assert.equal((await send('two')).output, 'Queued: the server cannot take it now. It leaves by itself as soon as it can; do not send it again')
    assert.equal((await send('two')).output, 'Queued: the server cannot take it now. It leaves by itself as soon as it can; do not send it again')
    await mine.clock.advance(1000)
    await mine.until(async () => (await mine.store.outbox.list({ status: 'dead', limit: 10 })).length === 1)
    await assert.rejects(send('two'), { code: 'message/undelivered' })
    assert.deepEqual(texts(mine.server.posts), ['one', 'two', 'two'])
    await using one = await withReceiver(['drop'])
    await one.send('before')
    await one.until(() => one.server.posts.length === 1)
    const controller = new AbortController()
    const waiting = (await one.send('after')).outcome(60_000, controller.signal)
    controller.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    assert.deepEqual(
      (await one.drained()).map(({ status }) => status),
      ['sent', 'sent'],
      'who no longer waits for it takes nothing back',
    )
  })
})

describe('what goes to one destination', () => {
  it('goes in its order, one after the other, whatever fails', async () => {
    await using mine = await withReceiver(['drop', { status: 200 }, { status: 500 }, { status: 429 }, { status: 200 }, { status: 404 }])
    for (let number = 1; number <= 6; number++) await mine.send(`message ${number}`)
    const entries = await mine.drained()
    assert.deepEqual(
      texts(mine.server.posts),
      [1, 1, 2, 2, 2, 3, 4, 5, 6].map((number) => `message ${number}`),
    )
    assert.deepEqual(
      entries.map(({ status }) => status),
      ['sent', 'sent', 'sent', 'dead', 'sent', 'sent'],
    )
  })

  it('goes in parts that the platform takes, each a step of its own; a part that is refused takes the rest with it', async () => {
    const long = `Look:\n\`\`\`ts\n${'const a = 1\n'.repeat(400)}\`\`\`\nDone.`
    await using discord = await withReceiver([{ status: 200 }, 'drop', { status: 200 }, { status: 200 }], 'discord')
    await discord.send(long, { key: 'k' })
    const [entry] = await discord.drained()
    const sent = discord.server.posts.map(({ body }) => String(JSON.parse(body).content))
    assert.deepEqual([entry?.status, entry?.parts, entry?.sentParts, entry?.attempts], ['sent', 3, 3, 4])
    assert.ok(sent.every((each) => each.length <= 2000 && (each.match(/```/g) ?? []).length === 2))
    assert.equal(sent[2], `(possibly a repeat)\n${sent[1]}`, 'the part that may have arrived, and not the first')
    await using refused = await withReceiver([{ status: 200 }, { status: 400 }], 'discord')
    await refused.send(long)
    await refused.send('after')
    const entries = await refused.drained()
    assert.deepEqual(
      entries.map(({ status, sentParts }) => [status, sentParts]),
      [
        ['sent', 1],
        ['dead', 1],
      ],
    )
    assert.equal(refused.server.posts.length, 3)
  })

  it('is bounded in number, in bytes and in length, and a tool is told', async () => {
    await using receiver = await startWebhookServer()
    const to = { mine: { url: receiver.url.href, format: 'text' }, other: { url: receiver.url.href } } as const
    await using closed = await openOutbox({ to, bounds: { waitingParts: 3, waitingBytes: 100 } })
    await closed.outbox.close(0)
    for (const text of ['1', '2', '3']) await closed.send(text)
    await assert.rejects(closed.send('4'), { code: 'message/queue-full', message: /mine/, hint: /cara outbox/ })
    await closed.send('2')
    await closed.send('4', { to: 'other', key: 'other 4' })
    await assert.rejects(closed.send('x'.repeat(101), { to: 'other' }), { code: 'message/queue-full' })
    await assert.rejects(closed.send('é'.repeat(33_000)), { code: 'message/too-long' })
    assert.equal(receiver.posts.length, 0)
  })

  it('does not hold up what goes elsewhere, and is left alone when it fails again and again', async () => {
    await using dead = await startWebhookServer(Array.from({ length: 7 }, () => ({ status: 500 })))
    await using alive = await startWebhookServer()
    await using mine = await openOutbox({ to: { dead: { url: dead.url.href }, alive: { url: alive.url.href } } })
    for (let number = 1; number <= 20; number++) {
      await mine.send(`to dead ${number}`)
      await mine.send(`to alive ${number}`, { to: 'alive' })
    }
    await mine.until(async () => (await mine.store.outbox.list({ to: 'alive', status: 'sent', limit: 100 })).length === 20)
    assert.equal(dead.posts.length, 1)
    for (let attempt = 1; attempt < 5; attempt++) {
      await mine.clock.advance(8000)
      await mine.until(async () => dead.posts.length === attempt + 1 && ((await mine.store.outbox.head('dead'))?.leaseUntil ?? null) === null)
    }
    const pause = mine.outbox.pausedUntil('dead') - mine.clock.now()
    assert.equal(pause, 60_000)
    await mine.clock.advance(59_999)
    assert.equal(dead.posts.length, 5, 'not once while it is left alone')
    await mine.clock.advance(1)
    await mine.until(() => dead.posts.length === 6)
    await mine.until(() => mine.outbox.pausedUntil('dead') > mine.clock.now())
    assert.equal(mine.outbox.pausedUntil('dead') - mine.clock.now(), 120_000, 'twice as long')
    assert.equal((await mine.drained()).filter(({ status }) => status === 'sent').length, 40)
    assert.equal(mine.outbox.pausedUntil('dead'), 0)
  })

  it('that is no longer configured, or that the guard lets not go any more, is dead', async () => {
    await using receiver = await startWebhookServer([{ status: 503 }, { status: 503 }])
    const to = { mine: { url: receiver.url.href }, gone: { url: receiver.url.href } }
    await using first = await openOutbox({ to })
    await first.send('to gone', { to: 'gone' })
    await first.send('hello sk-canary-key-0123456789', { key: 'k' })
    await first.until(() => receiver.posts.length === 2)
    await first.crash()
    await using second = await openOutbox({ to: { mine: to.mine }, folder: first.folder, clock: first.clock, secrets: ['sk-canary-key-0123456789'] })
    const entries = await second.drained()
    assert.deepEqual(
      entries.map(({ status, why }) => [status, why]),
      [
        ['sent', null],
        ['dead', 'there is no such destination any more'],
      ],
    )
    assert.equal(receiver.posts.length, 3)
    assert.doesNotMatch(receiver.posts[2]?.body ?? '', /canary/, 'a secret that became known while it waited')
  })
})

describe('a queue that several processes share', () => {
  it('keeps its order, gives a part to one of them, and hands on what a dead one held', async () => {
    await using receiver = await startWebhookServer()
    const to = { mine: { url: receiver.url.href, format: 'text' } } as const
    await using first = await openOutbox({ to, isShared: true })
    await using second = await openOutbox({ to, folder: first.folder, clock: first.clock, isShared: true })
    const sent = Array.from({ length: 60 }, (_, number) => `message ${number}`)
    for (const [number, text] of sent.entries()) await (number % 2 === 0 ? first : second).send(text)
    await first.drained()
    assert.deepEqual(texts(receiver.posts), sent)
    const { store } = first
    await first.outbox.close(0)
    await second.outbox.close(0)
    for (const text of ['one', 'two']) await first.send(text)
    const [one, now] = [await store.outbox.head('mine'), first.clock.now()]
    assert.ok(one !== null)
    const claim = { owner: 'a', until: now + 1000, now }
    const mine = await store.outbox.claim(one, claim)
    assert.deepEqual(mine, { fence: 1, mayRepeat: false })
    const two = await store.outbox.list({ status: 'waiting', limit: 10 })
    assert.equal(await store.outbox.claim({ id: two[0]?.id ?? '', part: 1 }, { ...claim, owner: 'b' }), null, 'not before what goes first')
    assert.equal(await store.outbox.claim(one, { ...claim, owner: 'b' }), null, 'not while another holds it')
    const taken = await store.outbox.claim(one, { owner: 'b', until: now + 9000, now: now + 1000 })
    assert.deepEqual(taken, { fence: 2, mayRepeat: true })
    const late = { id: one.id, part: 1, fence: 1 }
    await assert.rejects(store.outbox.sent(late, now), { code: 'store/conflict' })
    await assert.rejects(store.outbox.postpone(late, { dueAt: 0, why: '', isUnknown: false }), { code: 'store/conflict' })
    await assert.rejects(store.outbox.kill(late, '', now), { code: 'store/conflict' })
    await store.outbox.sent({ ...late, fence: 2 }, now)
  })
})

describe('a send that takes long', () => {
  it('stays with its process while that lives', async () => {
    await using receiver = await startWebhookServer()
    const to = { mine: { url: receiver.url.href, format: 'slack' } } as const
    const sending = slow()
    await using first = await openOutbox({ to, isShared: true, fetch: sending.wrap })
    await using second = await openOutbox({ to, folder: first.folder, clock: first.clock, isShared: true })
    await first.send('hello')
    await sending.begun
    for (let waited = 2; waited <= 20; waited += 2) {
      await first.clock.advance(2000)
      await first.until(async () => (await first.store.outbox.head('mine'))?.leaseUntil === first.clock.now() + 6000)
      await second.clock.advance(0)
    }
    assert.equal(receiver.posts.length, 0)
    sending.letGo()
    await first.until(async () => (await first.store.outbox.heads()).length === 0)
    assert.partialDeepStrictEqual(await second.store.outbox.list({ limit: 10 }), [{ status: 'sent', attempts: 1, mayRepeat: false }])
    assert.equal(receiver.posts.length, 1)
  })

  it('is taken over from one that stood still, which writes nothing more about it and gets it back by no renewal', async () => {
    await using receiver = await startWebhookServer()
    const to = { mine: { url: receiver.url.href, format: 'slack' } } as const
    const [mine, other] = [slow(), slow()]
    let standsStill = true
    const still = (database: Database): Database => ({
      ...database,
      commit: async (statements) => {
        if (standsStill && statements.some(({ sql }) => sql.includes('SET lease_until = $2'))) throw new Error('it stands still')
        await database.commit(statements)
      },
    })
    await using first = await openOutbox({ to, isShared: true, fetch: mine.wrap, wrap: still })
    await using second = await openOutbox({ to, folder: first.folder, clock: first.clock, isShared: true, fetch: other.wrap })
    await first.send('hello')
    await mine.begun
    for (let waited = 0; waited < 8; waited++) await first.clock.advance(1000)
    await other.begun
    standsStill = false
    await first.clock.advance(2000)
    await first.until(async () => (await first.store.outbox.head('mine'))?.leaseUntil === first.clock.now() + 6000)
    mine.letGo()
    await first.until(() => first.lines.some((line) => line.includes('message.lost')))
    assert.partialDeepStrictEqual(await second.store.outbox.list({ limit: 10 }), [{ status: 'waiting', attempts: 2, mayRepeat: true }])
    assert.doesNotMatch(first.lines.join(), /outbox\.fault/)
    other.letGo()
    await second.until(async () => (await second.store.outbox.heads()).length === 0)
    assert.deepEqual(
      receiver.posts.map(({ body }) => JSON.parse(body).text),
      ['hello', '(possibly a repeat)\nhello'],
    )
  })

  it('costs no timer and no write where no other process waits to take it over', async () => {
    await using receiver = await startWebhookServer()
    const sending = slow()
    const turned = turnedClock()
    let sleeps = 0
    const clock = { ...turned, sleep: (ms: number, signal: AbortSignal) => (sleeps++, turned.sleep(ms, signal)) }
    await using mine = await openOutbox({ to: { mine: { url: receiver.url.href } }, clock, fetch: sending.wrap })
    await mine.send('hello')
    await sending.begun
    const before = (await mine.store.outbox.head('mine'))?.leaseUntil
    await clock.advance(20_000)
    assert.deepEqual([sleeps, (await mine.store.outbox.head('mine'))?.leaseUntil], [0, before])
    sending.letGo()
    await mine.until(async () => (await mine.store.outbox.heads()).length === 0)
    assert.deepEqual([sleeps, receiver.posts.length], [0, 1])
  })
})

describe('three processes on one PostgreSQL', { skip: noServer !== null && noServer }, () => {
  it('keep the order of every destination, and one takes over what another that died had in its hands', async () => {
    await using first = await startWebhookServer()
    await using second = await startWebhookServer()
    const server = await startPostgres()
    const url = await server.create()
    const to = { first: { url: first.url.href, format: 'text' }, second: { url: second.url.href, format: 'text' } } as const
    const clock = turnedClock()
    const open = () => openStore({ path: '', url, synchronous: 'full' })
    const nodes = [await openOutbox({ to, clock, open, isShared: true }), await openOutbox({ to, clock, open, isShared: true })]
    // The one that dies: it sends, and never hears the answer.
    const hung = Promise.withResolvers<void>()
    const silent: EgressFetch = (request, signal) => {
      hung.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const dying = await openOutbox({ to, clock, open, isShared: true, fetch: () => silent })
    await dying.send('first 0')
    await hung.promise
    for (let number = 1; number < 40; number++) {
      for (const name of ['first', 'second']) await nodes[number % 2]?.send(`${name} ${number}`, { to: name, key: `${name} ${number}` })
    }
    const [one] = nodes
    await one?.until(() => second.posts.length === 39)
    assert.equal(first.posts.length, 0, 'nothing goes before what may be on its way')
    // While it lives, nobody takes it.
    for (let waited = 2; waited <= 20; waited += 2) {
      await clock.advance(2000)
      await one?.until(async () => (await one.store.outbox.head('first'))?.leaseUntil === clock.now() + 6000)
    }
    assert.equal(first.posts.length, 0)
    await dying.crash()
    const diedAt = clock.now()
    while (first.posts.length === 0 && clock.now() - diedAt < 9000) {
      await clock.advance(1000)
      // Once it is free they take it with their next look, as fast as this machine is.
      const isFree = ((await one?.store.outbox.head('first'))?.leaseUntil ?? 0) <= clock.now()
      const most = isFree ? 400 : 0
      for (let tries = 0; first.posts.length === 0 && tries < most; tries++) await sleep(5)
    }
    assert.ok(clock.now() - diedAt < 10_000)
    await one?.until(() => first.posts.length === 40)
    assert.deepEqual(
      [texts(first.posts), texts(second.posts)],
      [Array.from({ length: 40 }, (_, number) => `first ${number}`), Array.from({ length: 39 }, (_, number) => `second ${number + 1}`)],
    )
    assert.equal((await one?.store.outbox.list({ status: 'sent', limit: 100 }))?.find(({ key }) => key === 'first 0')?.mayRepeat, true)
    for (const node of nodes) await node[Symbol.asyncDispose]()
    await server.stop()
  })
})

describe('what was settled', () => {
  it('is forgotten with its conversation, but for what is on its way; of the dead a thousand parts are kept', async () => {
    await using mine = await withReceiver([{ status: 200 }, { status: 404 }, { status: 503 }])
    const { sessions, outbox } = mine.store
    const session = await sessions.open('main', 1)
    for (const text of ['sent', 'dead', 'waiting']) await mine.send(text, { sessionId: session.id })
    await mine.until(() => mine.server.posts.length === 3)
    await mine.until(async () => (await outbox.head('mine'))?.leaseUntil === null)
    await sessions.delete('main')
    assert.deepEqual(
      (await outbox.list({ limit: 10 })).map(({ status, sessionKey }) => [status, sessionKey]),
      [['waiting', null]],
    )
    await mine.outbox.close(0)
    const facts = { lane: 'x', to: 'x', purpose: 'tool', turnId: null, sessionId: null, createdAt: 1, expiresAt: 2 } as const
    // Its turn has not ended: it may come with the message again.
    const lease = { owner: 'w', until: 9 }
    const parts = [{ type: 'text', text: 'hello', origin: OWNER }] as const
    const request = { door: 'test', sender: { kind: 'owner' }, sessionKey: null, parts, options: {} } as const
    await mine.store.turns.accept({ turnId: 'open', request: cleared(request), now: 1, queued: false, lease })
    await outbox.accept({ ...facts, id: 'open', key: 'open', lane: 'y', turnId: 'open', parts: ['x'] }, { parts: 9999, bytes: 99_999 })
    for (const id of ['first', 'second'])
      await outbox.accept({ ...facts, id, key: id, parts: Array.from({ length: 1000 }, () => 'x') }, { parts: 9999, bytes: 99_999 })
    for (const [id, left] of [
      ['open', ['open']],
      ['first', ['open', 'first']],
      ['second', ['second', 'open']],
    ] as const) {
      const claimed = await outbox.claim({ id, part: 1 }, { owner: 'w', until: 9, now: 1 })
      await outbox.kill({ id, part: 1, fence: claimed?.fence ?? 0 }, 'refused', 5)
      assert.deepEqual((await outbox.list({ status: 'dead', limit: 10 })).map((entry) => entry.id).toSorted(), left.toSorted())
    }
  })
})
