/** A turn whose last write fails: nobody hears an end that does not stand in the journal, and this process goes on with it when it can. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import * as z from 'zod'
import { AppError } from '../../src/contracts/errors.ts'
import { textOf } from '../../src/contracts/message.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Database, Statement } from '../../src/contracts/store.ts'
import type { InboundMessage, TurnEvent, TurnResult } from '../../src/contracts/turn.ts'
import { agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import type { TestGateway } from '../doubles/test-gateway.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { openDoors } from '../doubles/open-doors.ts'
import { byOwner, scheduledGateway, type ScheduledGateway } from '../doubles/scheduled-gateway.ts'
import { hangs, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { connectSocket } from '../doubles/socket-client.ts'
import { failingDatabase, type Failure } from './failing-database.ts'

const HOUR_MS = 3_600_000

interface Broken {
  /** So many writes fail, from the first answer of the model on. */
  fromAnswer: number
  left: number
  readonly how: Failure
  asked: number
}

function broken(fromAnswer: number, how: Failure = 'unwritten'): Broken {
  return { fromAnswer, left: 0, how, asked: 0 }
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-unkept-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function open(folder: string, state: Broken, wrap?: (database: Database) => Database, onHanging?: () => void): Promise<ScheduledGateway> {
  return scheduledGateway({
    folder,
    destinations: ['keyed'],
    providers: [
      scriptedProvider('fake', (request) => {
        if (onHanging !== undefined) {
          onHanging()
          return hangs
        }
        if (++state.asked === 1) state.left = state.fromAnswer
        return says(`answer to ${textOf(request.messages.findLast(({ role }) => role === 'user') ?? { role: 'user', parts: [] })}`)
      }),
    ],
    async openStore(path) {
      const database = openSqlite({ path, synchronous: 'normal' })
      await migrate(database)
      return storeOver(wrap?.(database) ?? failingDatabase(database, () => (state.left > 0 && state.left-- > 0 ? state.how : null)))
    },
  })
}

const message = (text: string, sessionKey: string | null): InboundMessage => {
  return { door: 'test', sender: { kind: 'owner' }, sessionKey, parts: [{ type: 'text', text, origin: OWNER }], options: {} }
}

async function send(
  { gateway }: TestGateway,
  text: string,
  sessionKey: string | null = 'main',
): Promise<{ readonly turnId: string; readonly ends: readonly TurnResult[]; readonly first: Promise<TurnResult> }> {
  const ends: TurnResult[] = []
  const first = Promise.withResolvers<TurnResult>()
  const hear = (event: TurnEvent) => {
    if (event.type !== 'turn-finished') return
    ends.push(event.result)
    first.resolve(event.result)
  }
  const { turnId } = await gateway.submit(message(text, sessionKey), hear)
  return { turnId, ends, first: first.promise }
}

const end = ({ gateway }: TestGateway, turnId: string) => gateway.wait(turnId, AbortSignal.timeout(10_000))

async function linesOf({ gateway: { store } }: TestGateway, key: string): Promise<readonly string[]> {
  const session = await store.sessions.find(key)
  return (await store.sessions.tail(session?.id ?? '', { limit: 100 })).map((entry) => textOf(entry.message))
}

/** Its last write has failed; from now on the disk works. */
async function sendUnkept(cara: TestGateway, state: Broken): Promise<{ readonly turnId: string }> {
  const { turnId, first } = await send(cara, 'hello')
  await first
  await setImmediate()
  state.left = 0
  return { turnId }
}

describe('a turn whose last write fails', () => {
  for (const how of ['unwritten', 'unflushed'] as const) {
    it(`once (${how}) ends as it ended, and no model is asked again`, async (t) => {
      const state = broken(1, how)
      const { gateway: cara } = await open(await folderOf(t), state)
      const { turnId, ends, first } = await send(cara, 'hello')
      const { status, text } = await first
      assert.deepEqual([status, text, state.asked, ends.length], ['completed', 'answer to hello', 1, 1])
      assert.equal((await cara.gateway.store.turns.result(turnId))?.text, 'answer to hello')
      assert.deepEqual(await linesOf(cara, 'main'), ['hello', 'answer to hello'])
      assert.deepEqual(await cara.gateway.store.check(), [])
      await cara.close()
    })
  }

  it('for long is told as one that has not ended, keeps its place, and ends in this process once the store works', async (t) => {
    const state = broken(Infinity)
    const { gateway: cara } = await open(await folderOf(t), state)
    const { turnId, ends, first } = await send(cara, 'hello')
    const { error } = await first
    assert.equal(error?.code, 'turn/unkept')
    assert.match(error?.message ?? '', /has not ended, and goes on by itself: .*this write fails/)
    assert.equal(await cara.gateway.store.turns.result(turnId), null)
    await cara.look()
    await cara.look()
    assert.equal(state.asked, 1, 'no model is asked while nothing can be kept')
    state.left = 0
    const second = await send(cara, 'and then')
    await cara.look()
    assert.equal((await end(cara, turnId)).text, 'answer to hello')
    assert.equal((await second.first).text, 'answer to and then')
    assert.deepEqual(await linesOf(cara, 'main'), ['hello', 'answer to hello', 'and then', 'answer to and then'])
    assert.equal(ends.length, 1, 'whoever was told of it hears no second end')
    assert.deepEqual([await cara.gateway.store.turns.unfinished(), await cara.gateway.store.check()], [[], []])
    await cara.close()
  })

  it('and that was cancelled stays cancelled', async (t) => {
    const state = broken(Infinity)
    const { gateway: cara } = await open(await folderOf(t), state)
    const { turnId } = await sendUnkept(cara, state)
    await cara.gateway.abort({ turnId }, 'enough')
    assert.deepEqual([(await end(cara, turnId)).status, state.asked], ['cancelled', 1])
    await cara.close()
  })

  it('and that nobody could ask for again fails as it did, and no model is asked again', async (t) => {
    const state = broken(Infinity)
    const { gateway: cara } = await open(await folderOf(t), state)
    const { turnId, first } = await send(cara, 'hello', null)
    assert.equal((await first).error?.code, 'store/unavailable')
    await setImmediate()
    state.left = 0
    await cara.look()
    assert.deepEqual([(await end(cara, turnId)).status, state.asked], ['cancelled', 1])
    assert.deepEqual(await cara.gateway.store.turns.unfinished(), [])
    await cara.close()
  })

  it('is told to clients as one that goes on, and waited for to its true end', async (t) => {
    const state = broken(Infinity)
    const { gateway: cara } = await open(await folderOf(t), state)
    await using doors = await openDoors({}, { gateway: cara.gateway })
    const client = await connectSocket(doors)
    const { runId } = await client.result('chat.send', chatSendResult, { message: 'hello', idempotencyKey: 'k', sessionKey: 'main' })
    await client.event('agent', (payload) => JSON.stringify(payload).includes('turn/unkept'))
    const waiting = client.result('agent.wait', agentWaitResult, { runId, timeoutMs: 20_000 })
    await client.result('health', z.unknown())
    state.left = 0
    await cara.look()
    assert.equal((await waiting).result?.text, 'answer to hello')
    await client.close()
    await cara.close()
  })

  it('goes on at once where its owner says so', async (t) => {
    const state = broken(Infinity)
    const { gateway: cara } = await open(await folderOf(t), state)
    const { turnId } = await sendUnkept(cara, state)
    await cara.gateway.resume(turnId)
    assert.equal((await end(cara, turnId)).text, 'answer to hello')
    await cara.close()
  })

  it('again and again, and alone of all writes, asks the model a few times and ends as stuck', async (t) => {
    const state = broken(0)
    const isEnd = ({ sql, params }: Statement) => sql.includes('SET finished = 1, result') && String(params[1]).includes('"completed"')
    const { gateway: cara } = await open(await folderOf(t), state, (database) => ({
      ...database,
      commit: (statements) => (statements.some(isEnd) ? Promise.reject(new AppError('store/unavailable', 'too large')) : database.commit(statements)),
    }))
    const { turnId, first } = await send(cara, 'hello')
    assert.equal((await first).error?.code, 'turn/unkept')
    let result: TurnResult | null = null
    for (let looks = 0; result === null && looks < 10_000; looks++) {
      await cara.look()
      await setImmediate()
      result = await cara.gateway.store.turns.result(turnId)
    }
    assert.deepEqual([result?.status, result?.error?.code, state.asked], ['failed', 'turn/stuck', 4])
    assert.deepEqual(await cara.gateway.store.turns.unfinished(), [])
    await cara.close()
  })
})

describe('a message whose journal gave no answer', () => {
  it('is accepted where it stands there, and answered once', async (t) => {
    const state: Broken = { ...broken(0, 'unanswered'), left: 1 }
    const { gateway: cara } = await open(await folderOf(t), state)
    const { turnId, first } = await send(cara, 'hello')
    assert.equal((await first).text, 'answer to hello')
    assert.equal((await cara.gateway.store.turns.result(turnId))?.status, 'completed')
    assert.deepEqual(await linesOf(cara, 'main'), ['hello', 'answer to hello'])
    await cara.close()
  })

  it('is refused where it does not', async (t) => {
    const state: Broken = { ...broken(0), left: 1 }
    const { gateway: cara } = await open(await folderOf(t), state)
    await assert.rejects(send(cara, 'hello'), (error) => error instanceof AppError && error.code === 'store/unavailable')
    assert.deepEqual([await cara.gateway.store.turns.unfinished(), state.asked], [[], 0])
    await cara.close()
  })
})

describe('a run of a job whose turn could not be kept', () => {
  const begin = async (cara: ScheduledGateway) => {
    await cara.start()
    await cara.jobs.add({ name: 'hourly', prompt: 'hourly', schedule: { cron: '0 * * * *' }, deliver: 'keyed' }, byOwner)
    const unkept = new Promise<void>((resolve) => cara.gateway.gateway.subscribe((_, { type }) => type === 'turn-finished' && resolve()))
    cara.pass(HOUR_MS)
    await cara.look()
    await unkept
    await cara.look()
  }
  const statuses = (runs: readonly { readonly status: string }[]) => runs.map(({ status }) => status)

  it('stays open, and ends with it in this process, whose answer is delivered once', async (t) => {
    const state = broken(Infinity)
    const cara = await open(await folderOf(t), state)
    await begin(cara)
    assert.deepEqual([statuses(await cara.runs()), cara.announced.length], [['running'], 0])
    state.left = 0
    await cara.gateway.look()
    await cara.settle()
    assert.deepEqual(statuses(await cara.runs()), ['ok'])
    assert.deepEqual(
      cara.announced.map(({ text }) => text),
      ['answer to hourly'],
    )
    cara.pass(HOUR_MS)
    await cara.settle()
    assert.deepEqual(statuses(await cara.runs()), ['ok', 'ok'])
    await cara.close()
  })

  it('ends with it after the next start, whose answer is delivered once', async (t) => {
    const state = broken(Infinity)
    const folder = await folderOf(t)
    const first = await open(folder, state)
    await begin(first)
    await first.crash()
    state.left = 0
    const second = await open(folder, state)
    await second.gateway.recover()
    await second.start()
    await second.settle()
    assert.deepEqual(statuses(await second.runs()), ['ok'])
    assert.deepEqual([first.announced.length, second.announced.map(({ text }) => text)], [0, ['answer to hourly']])
    await second.close()
  })

  it('ends as it was heard to end where its conversation is deleted before anybody looks', async (t) => {
    const gone = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const cara = await open(
      await folderOf(t),
      broken(0),
      (database) => ({
        ...database,
        // A remote one answers later.
        async query(sql, params) {
          if (sql.startsWith('SELECT result FROM turns')) await gone.promise
          return database.query(sql, params)
        },
      }),
      () => asked.resolve(),
    )
    await cara.start()
    await cara.jobs.add({ name: 'hourly', prompt: 'hourly', schedule: { cron: '0 * * * *' } }, byOwner)
    const ended = new Promise<void>((resolve) => cara.gateway.gateway.subscribe((_, { type }) => type === 'turn-finished' && resolve()))
    cara.pass(HOUR_MS)
    const looking = cara.look()
    await asked.promise
    await cara.gateway.gateway.abort({ sessionKey: 'cron:hourly' }, 'it is deleted')
    await ended
    assert.equal(await cara.gateway.gateway.store.sessions.delete('cron:hourly'), true)
    gone.resolve()
    await looking
    await cara.settle()
    assert.deepEqual(statuses(await cara.runs()), ['cancelled'])
    await cara.close()
  })
})
