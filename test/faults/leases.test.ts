/** A worker that stands still, and workers that share a store: the turn goes on elsewhere, once, and whoever lost it can keep nothing more. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { AnyTool } from '../../src/contracts/tool.ts'
import type { Provider } from '../../src/contracts/provider.ts'
import type { Store } from '../../src/contracts/store.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { actingTool } from '../doubles/acting-tool.ts'
import { manualClock } from '../doubles/manual-clock.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../doubles/test-gateway.ts'

/** Longer than every budget. */
const TOO_LONG_MS = 24 * 3_600_000

/** Ends by no signal, until it is let go, at the end of the test at the latest. */
function deaf(
  t: TestContext,
  provider: Provider,
  isDeaf: (request: number) => boolean,
): { readonly provider: Provider; readonly reached: Promise<void>; readonly again: Promise<void>; readonly letGo: () => void } {
  const gate = Promise.withResolvers<void>()
  const arrivals = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  let requests = 0
  let unheard = 0
  t.after(() => gate.resolve())
  return {
    reached: arrivals[0].promise,
    again: arrivals[1].promise,
    letGo: () => gate.resolve(),
    provider: {
      ...provider,
      async *stream(request) {
        if (isDeaf(++requests)) {
          arrivals[unheard++]?.resolve()
          await gate.promise
        }
        yield* provider.stream(request, new AbortController().signal)
      },
    },
  }
}

async function gateways(t: TestContext, count: number, provider: Provider, tools: readonly AnyTool[] = []): Promise<readonly TestGateway[]> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-leases-'))
  const database = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  await migrate(database)
  // One file used by several, as it would be on a shared engine: this one has no locks of rows, and needs none.
  const isShared = count > 1
  const query: typeof database.query = (sql, params) => database.query(sql.replace(' FOR SHARE', ''), params)
  const commit: typeof database.commit = (statements) => database.commit(statements.map((one) => ({ ...one, sql: one.sql.replace(' FOR SHARE', '') })))
  const store: Store = { ...storeOver({ ...database, query, commit, isShared }), close: async () => undefined }
  const clock = manualClock()
  const made = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      testGateway({ providers: [provider], tools, clock, folder: join(folder, String(index)), openStore: async () => store }),
    ),
  )
  t.after(async () => {
    for (const one of made) await one.crash()
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  return made
}

const forward = (cara: TestGateway, ms: number) => {
  if ('advance' in cara.clock && typeof cara.clock.advance === 'function') cara.clock.advance(ms)
}

describe('a run that stands still', () => {
  it('is left behind, and its turn goes on from the journal, with no effect twice', async (t) => {
    const { tool, times } = actingTool()
    const { provider, reached, letGo } = deaf(t, scriptedProvider('fake', [calls(['act', {}]), says('done'), says('too late')]), (request) => request === 2)
    const [cara] = await gateways(t, 1, provider, [tool])
    assert.ok(cara !== undefined)
    const asking = cara.ask('hello')
    await reached
    forward(cara, TOO_LONG_MS)
    await cara.look()
    const { result, events } = await asking
    assert.deepEqual([result.status, result.text, times()], ['completed', 'done', 1])
    cara.forget()
    letGo()
    const again = await cara.ask('again')
    // Whatever the first run still says, nobody hears it, and nothing of it is kept.
    assert.equal(events.filter(({ type }) => type === 'turn-finished').length, 1)
    const session = await cara.gateway.store.sessions.find('main')
    const entries = await cara.gateway.store.sessions.tail(session?.id ?? '', { limit: 100 })
    assert.deepEqual(
      entries.filter(({ turnId }) => turnId === result.turnId).map(({ message }) => message.role),
      ['user', 'assistant', 'tool', 'assistant'],
    )
    assert.notEqual(again.result.turnId, result.turnId)
  })

  it('ends when it stands still at the same place again', async (t) => {
    const { provider, reached, again } = deaf(t, scriptedProvider('fake', []), () => true)
    const [cara] = await gateways(t, 1, provider)
    assert.ok(cara !== undefined)
    const asking = cara.ask('hello')
    for (const arrival of [reached, again]) {
      await arrival
      forward(cara, TOO_LONG_MS)
      await cara.look()
    }
    const { result } = await asking
    assert.deepEqual([result.status, result.error?.code], ['failed', 'turn/stuck'])
  })
})

describe('workers that share a store', () => {
  it('take over what one of them left, and what that one does after that is kept nowhere', async (t) => {
    const { tool, times } = actingTool()
    const { provider, reached, letGo } = deaf(t, scriptedProvider('fake', [says('from the second'), calls(['act', {}])]), (request) => request === 1)
    const [first, second] = await gateways(t, 2, provider, [tool])
    assert.ok(first !== undefined && second !== undefined)
    const asking = first.ask('hello')
    await reached
    await second.look()
    assert.equal(second.gateway.status().activeTurns, 0, 'a lease that runs is left alone')
    // The first one sleeps: it renews nothing.
    forward(first, 6001)
    await second.look()
    const unfinished = await first.gateway.store.turns.unfinished()
    const turnId = unfinished[0]?.turnId ?? ''
    const result = await second.gateway.wait(turnId, AbortSignal.timeout(5000))
    assert.deepEqual([result.status, result.text], ['completed', 'from the second'])
    letGo()
    const late = await asking
    assert.deepEqual([late.result.status, late.result.error?.code, times()], ['failed', 'turn/lost', 0])
    assert.equal((await second.gateway.store.turns.result(turnId))?.text, 'from the second')
  })

  it('renew what runs long, so that nobody takes it', async (t) => {
    const { provider, reached, letGo } = deaf(t, scriptedProvider('fake', [says('at last')]), (request) => request === 1)
    const [first, second] = await gateways(t, 2, provider)
    assert.ok(first !== undefined && second !== undefined)
    const asking = first.ask('hello')
    await reached
    for (let look = 0; look < 5; look++) {
      forward(first, 4000)
      await first.look()
      await second.look()
    }
    assert.equal(second.gateway.status().activeTurns, 0)
    letGo()
    assert.equal((await asking).result.text, 'at last')
  })

  it('leave what they hold to the others at once when they stop', async (t) => {
    const { provider, reached } = deaf(t, scriptedProvider('fake', [says('from the second')]), (request) => request === 1)
    const [first, second] = await gateways(t, 2, provider)
    assert.ok(first !== undefined && second !== undefined)
    void first.ask('hello')
    await reached
    const [{ turnId } = { turnId: '' }] = await first.gateway.store.turns.unfinished()
    await first.drain(0)
    await second.look()
    assert.equal((await second.gateway.wait(turnId, AbortSignal.timeout(5000))).text, 'from the second')
  })
})
