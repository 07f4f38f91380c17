/** Who runs a try of a task, and how its turn stands, is decided by the database, on both engines. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { NO_TAINT } from '../../src/contracts/store.ts'
import type { Task, TaskClaim } from '../../src/contracts/task.ts'
import { NO_USAGE } from '../../src/contracts/usage.ts'
import { aTask } from '../doubles/a-task.ts'
import { cleared } from '../doubles/cleared.ts'
import { onBothEngines } from '../doubles/both-engines.ts'

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected

await onBothEngines('a task', (store) => {
  let turns = 0
  const accept = async (claim: TaskClaim) => {
    const turnId = `turn_${turns++}`
    const request = { door: 'task', sender: OWNER.author, sessionKey: `task:${claim.taskId}`, parts: [], claim, options: {} }
    const { sessionId } = await store().turns.accept({ turnId, request: cleared(request), now: 5, queued: false, lease: { owner: 'run_1', until: 9 } })
    const end = (now: number) => {
      const result = { turnId, sessionKey: request.sessionKey, status: 'completed', text: '', finishReason: 'stop' } as const
      const rest = { clientToolCalls: [], toolCalls: [], model: '', usage: NO_USAGE, costUsd: null, durationMs: 1 }
      const turn = { turnId, sessionId, fence: 1, request: cleared(request) }
      return store().turns.finish({ ...turn, reply: null, replyTokens: 0, result: { ...result, ...rest }, taint: NO_TAINT, now })
    }
    return { turnId, end }
  }
  const claimOf = (taskId: string, version: number): TaskClaim => ({ taskId, version, attempts: version, until: 500 })

  it('is given as it was kept, and no more are kept than may be open', async () => {
    const whole = aTask('whole', {
      model: 'a:b',
      runIds: ['turn_a', 'turn_b'],
      lastError: 'no',
      blockedReason: 'config_missing',
      state: 'blocked',
      nextAt: null,
    })
    await store().tasks.add(whole, 2)
    assert.deepEqual(await store().tasks.get('whole'), whole)
    await store().tasks.add(aTask('second'), 2)
    await assert.rejects(store().tasks.add(aTask('third'), 2), code('task/full'))
    await store().tasks.replace(aTask('second', { state: 'done', nextAt: null, endedAt: 3, version: 2 }), 1)
    await store().tasks.add(aTask('third', { createdAt: 2 }), 2)
    assert.deepEqual(
      (await store().tasks.list({ limit: 2 })).map(({ id }) => id),
      ['third', 'whole'],
    )
    assert.deepEqual(
      (await store().tasks.list({ limit: 9, state: 'done' })).map(({ id }) => id),
      ['second'],
    )
    assert.deepEqual(
      (await store().tasks.open()).map(({ id }) => id),
      ['whole', 'third'],
    )
    await store().tasks.replace(aTask('third', { state: 'cancelled', nextAt: null, endedAt: 3, version: 2 }), 1)
  })

  it('has one turn for each try, in the commit that accepts it', async () => {
    await store().tasks.add(aTask('a'), 10)
    assert.deepEqual(
      (await store().tasks.due(9, 5)).map(({ id }) => id),
      ['a'],
    )
    const tries = await Promise.allSettled([1, 2, 3].map(() => accept(claimOf('a', 1))))
    const [won] = tries.flatMap((tried) => (tried.status === 'fulfilled' ? [tried.value] : []))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const tried of tries) if (tried.status === 'rejected') assert.equal(tried.reason.code, 'store/conflict')
    const taken = await store().tasks.get('a')
    assert.deepEqual(
      [taken?.state, taken?.attempts, taken?.runIds, taken?.turnId, taken?.nextAt, taken?.runUntil, taken?.version],
      ['running', 1, [won?.turnId], won?.turnId, 500, 500, 2],
    )
    // Nor one beside it, nor after its end.
    await assert.rejects(accept(claimOf('a', 2)), code('store/conflict'))
    assert.deepEqual([await store().tasks.due(9, 5), await store().tasks.running(), await store().tasks.nextDue(9)], [[], 1, 500])
    assert.deepEqual([...(await store().tasks.turns())], [[won?.turnId, 'a']])
    await store().tasks.replace(aTask('a', { state: 'cancelled', nextAt: null, endedAt: 7, version: 3 }), 2)
    await assert.rejects(accept(claimOf('a', 3)), code('store/conflict'))
  })

  it('that somebody else changed is not replaced', async () => {
    await store().tasks.add(aTask('b'), 10)
    const won = await Promise.all([1, 2, 3].map((at) => store().tasks.replace(aTask('b', { since: at, version: 2 }), 1)))
    assert.equal(won.filter(Boolean).length, 1)
    // Nor begun as it was before.
    await assert.rejects(accept(claimOf('b', 1)), code('store/conflict'))
    await store().tasks.replace(aTask('b', { state: 'cancelled', nextAt: null, endedAt: 7, version: 3 }), 2)
  })

  it('is found where it stands otherwise than its turn', async () => {
    await store().tasks.add(aTask('c'), 10)
    const { turnId, end } = await accept(claimOf('c', 1))
    const found = async () => (await store().tasks.outdated('c')).map(({ task: { state }, turn }) => `${state} ${turn}`)
    const stands = async (change: Partial<Task>) => {
      const known = await store().tasks.get('c')
      assert.ok(known !== null)
      await store().tasks.replace({ ...known, ...change, version: known.version + 1 }, known.version)
    }
    assert.deepEqual(await found(), [])
    assert.ok(await store().turns.leases.sleep({ turnId, fence: 1 }, 100, 1000))
    assert.deepEqual(await found(), ['running sleeps'])
    await stands({ state: 'blocked', blockedReason: 'external_dependency', nextAt: null })
    assert.deepEqual(await found(), [])
    await store().turns.leases.wake(turnId)
    assert.deepEqual(await found(), ['blocked runs'])
    await stands({ state: 'running', blockedReason: null, nextAt: 200, runUntil: 200 })
    assert.deepEqual(
      (await store().tasks.overdue(200)).map(({ id }) => id),
      ['c'],
    )
    assert.deepEqual(await store().tasks.overdue(199), [])
    await stands({ state: 'cancelled', nextAt: null, endedAt: 9 })
    assert.deepEqual(await found(), ['cancelled runs'])
    await end(10)
    assert.deepEqual(await found(), ['cancelled ended'])
    await stands({ turnId: null })
    assert.deepEqual(await found(), [])
  })

  it('that a clock which stood ahead put off comes now, and so does one that waits for a configuration', async () => {
    await store().tasks.add(aTask('early', { nextAt: 10_000 }), 10)
    await store().tasks.add(aTask('long', { state: 'retry_wait', nextAt: 90_000 }), 10)
    await store().tasks.add(aTask('short', { state: 'retry_wait', nextAt: 5000 }), 10)
    await store().tasks.rewind(1000, 6000)
    const next = async (id: string) => (await store().tasks.get(id))?.nextAt
    assert.deepEqual([await next('early'), await next('long'), await next('short')], [1000, 1000, 5000])
    const later = 2_000_000_000_000
    await store().tasks.unblock(later)
    assert.deepEqual([(await store().tasks.get('whole'))?.state, await next('whole')], ['blocked', later])
  })
})
