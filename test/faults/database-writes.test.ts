/** Every single write of a few turns fails once, and all from some write on: what was acknowledged stays, and ends after the next start. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { AppError } from '../../src/contracts/errors.ts'
import { textOf } from '../../src/contracts/message.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Database } from '../../src/contracts/store.ts'
import type { InboundMessage, TurnResult } from '../../src/contracts/turn.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { openDoors } from '../doubles/open-doors.ts'
import { calls, says, scriptedProvider, type ScriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../doubles/test-gateway.ts'
import { failingDatabase, type Failure, type FailingDatabase } from './failing-database.ts'

/** Two in one conversation, so that the second has to be begun, and one beside them. */
const MESSAGES = [
  { sessionKey: 'main', text: 'first' },
  { sessionKey: 'main', text: 'second' },
  { sessionKey: 'aside', text: 'third' },
] as const

const answerTo = (text: string) => `answer to ${text}`

/** Asks for a tool that writes and one that does not, then answers. */
function answering(): ScriptedProvider {
  return scriptedProvider('fake', (request) => {
    const last = request.messages.at(-1)
    const question = textOf(request.messages.findLast(({ role }) => role === 'user') ?? { role: 'user', parts: [] })
    if (last?.role === 'tool') return says(answerTo(question))
    return calls(['memory_write', { key: question, value: 'asked' }], ['math_eval', { expression: '6*7' }])
  })
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-writes-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function openGateway(folder: string, wrap: (database: Database) => Database = (database) => database): Promise<TestGateway> {
  return testGateway({
    providers: [answering()],
    folder,
    async openStore(path) {
      const database = openSqlite({ path, synchronous: 'normal' })
      await migrate(database)
      return storeOver(wrap(database))
    },
  })
}

function messageOf({ sessionKey, text }: (typeof MESSAGES)[number]): InboundMessage {
  const parts = [{ type: 'text', text, origin: OWNER }] as const
  return { door: 'test', sender: { kind: 'owner' }, sessionKey, parts, idempotencyKey: `key of ${text}`, options: {} }
}

/** Turn ids of what was acknowledged, null for what was not. Returns when nothing runs any more. */
async function sendAll(cara: TestGateway): Promise<readonly (string | null)[]> {
  const sent = await Promise.allSettled(MESSAGES.map((message) => cara.gateway.submit(messageOf(message))))
  const ids = sent.map((one) => {
    if (one.status === 'fulfilled') return one.value.turnId
    assert.equal(codeOf(one.reason), 'store/unavailable')
    return null
  })
  // One that could not be kept, and what stands behind it, goes on when the store works again.
  for (const startedAt = Date.now(); cara.gateway.status().activeTurns > 0; await setImmediate()) assert.ok(Date.now() - startedAt < 20_000, 'it runs on')
  return ids
}

function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : String(error)
}

/** What is left in `folder`, served from a database that works. */
async function assertNothingLost(folder: string, acknowledged: readonly (string | null)[], where: string): Promise<void> {
  const cara = await openGateway(folder)
  try {
    await cara.recover()
    for (const [index, message] of MESSAGES.entries()) {
      const id = acknowledged[index] ?? null
      // A sender that heard nothing sends again, and one that heard does no harm.
      const again = await cara.gateway.submit(messageOf(message))
      if (id !== null) assert.deepEqual([again.turnId, again.status], [id, 'repeated'], where)
      const result = await cara.gateway.wait(again.turnId, AbortSignal.timeout(5000))
      if (result.status === 'failed') assert.equal(result.error?.code, 'store/unavailable', where)
      else assert.deepEqual([result.status, result.text], ['completed', answerTo(message.text)], where)
      await assertOnce(cara, message, result, where)
    }
    assert.deepEqual(await cara.gateway.store.turns.unfinished(), [], where)
    assert.deepEqual(await cara.gateway.store.check(), [], where)
  } finally {
    await cara.crash()
  }
}

async function assertOnce(cara: TestGateway, { sessionKey, text }: (typeof MESSAGES)[number], result: TurnResult, where: string): Promise<void> {
  const session = await cara.gateway.store.sessions.find(sessionKey)
  const entries = (await cara.gateway.store.sessions.tail(session?.id ?? '', { limit: 100 })).filter(({ turnId }) => turnId === result.turnId)
  assert.deepEqual(
    entries.filter(({ message }) => message.role === 'user').map(({ message }) => textOf(message)),
    [text],
    `${where}: asked once`,
  )
  const answers = entries.filter(({ message }) => message.role === 'assistant' && message.parts.some(({ type }) => type === 'text'))
  assert.equal(answers.length, result.status === 'completed' ? 1 : 0, `${where}: answered once`)
}

/** Writes of the whole, when all goes well. */
async function countWrites(t: TestContext): Promise<number> {
  const made: FailingDatabase[] = []
  const cara = await openGateway(await temporaryFolder(t), (database) => {
    const counted = failingDatabase(database, () => null)
    made.push(counted)
    return counted
  })
  await sendAll(cara)
  await cara.close()
  return made[0]?.tried() ?? 0
}

describe('a database that fails', () => {
  for (const failure of ['unwritten', 'unflushed'] as const satisfies readonly Failure[]) {
    it(`at any one write (${failure}) loses nothing that was acknowledged`, async (t) => {
      const writes = await countWrites(t)
      assert.ok(writes > 3 * MESSAGES.length, `${writes} writes`)
      for (let at = 1; at <= writes; at++) {
        const folder = await temporaryFolder(t)
        const cara = await openGateway(folder, (database) => failingDatabase(database, (write) => (write === at ? failure : null)))
        const acknowledged = await sendAll(cara)
        await cara.crash()
        await assertNothingLost(folder, acknowledged, `${failure} at write ${at} of ${writes}`)
      }
    })

    it(`from any write on (${failure}) says that it is not ready, and loses nothing that was acknowledged`, async (t) => {
      const writes = await countWrites(t)
      for (let from = 1; from <= writes; from++) {
        const folder = await temporaryFolder(t)
        let tried = 0
        const cara = await openGateway(folder, (database) =>
          failingDatabase(database, (write) => {
            tried = write
            return write >= from ? failure : null
          }),
        )
        const acknowledged = await sendAll(cara)
        // A message that arrives a moment later waits behind no other and needs a write less: then the last ones were not reached.
        assert.equal(/this write fails/.test(cara.gateway.status().notReady.join()), tried >= from, `from write ${from} of ${writes}, ${tried} tried`)
        assert.ok(tried >= from || from > writes - MESSAGES.length, `only ${tried} of ${writes} writes were tried`)
        await cara.crash()
        await assertNothingLost(folder, acknowledged, `${failure} from write ${from} of ${writes}`)
      }
    })
  }

  it('for want of space refuses messages, says so at /health/ready, and goes on once there is room', async (t) => {
    const opened: Database[] = []
    const cara = await openGateway(await temporaryFolder(t), (database) => {
      opened.push(database)
      return database
    })
    await using doors = await openDoors({}, { gateway: cara.gateway })
    const ready = async () => (await doors.ask('/health/ready', { token: null })).status
    assert.equal((await cara.ask('before')).result.text, answerTo('before'))
    assert.equal(await ready(), 200)
    const [database] = opened
    await database?.query('PRAGMA max_page_count = 1', [])
    const large = 'x'.repeat(100_000)
    await assert.rejects(cara.ask(large), (error) => error instanceof AppError && error.code === 'store/unavailable' && /disk is full/.test(error.message))
    assert.equal(await ready(), 503)
    assert.match((await doors.ask('/health/ready', { token: null })).body, /disk is full/)
    await database?.query('PRAGMA max_page_count = 1000000', [])
    assert.equal((await cara.ask('after')).result.text, answerTo('after'))
    assert.equal(await ready(), 200)
    await cara.close()
  })

  it('closed while a write waits, writes it first and nothing after it', async (t) => {
    const path = join(await temporaryFolder(t), 'carapace.db')
    const database = openSqlite({ path, synchronous: 'full' })
    const written = database.commit([{ sql: 'CREATE TABLE kept (id INTEGER)', params: [] }])
    await database.close()
    await written
    // What was put off until the next turn of the event loop must find nothing to do.
    await setImmediate()
    const again = openSqlite({ path, synchronous: 'full' })
    assert.deepEqual(await again.query('SELECT count(*) AS count FROM kept', []), [{ count: 0 }])
    await again.close()
    await assert.rejects(again.commit([]), (error) => codeOf(error) === 'store/unavailable')
  })
})
