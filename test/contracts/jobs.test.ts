/** Who runs an instant of a job is decided by the database, on both engines. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import * as z from 'zod'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Job, JobClaim } from '../../src/contracts/schedule.ts'
import { conversationKinds, type ConversationKind } from '../../src/contracts/store.ts'
import { aTask } from '../doubles/a-task.ts'
import { cleared } from '../doubles/cleared.ts'
import { onBothEngines } from '../doubles/both-engines.ts'

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected
const HOUR = 3_600_000

function job(id: string, nextAt: number): Job {
  return {
    id,
    name: id,
    schedule: { kind: 'every', everyMs: HOUR, anchorAt: 0 },
    kind: 'task',
    prompt: 'go',
    origin: OWNER,
    sessionKey: `cron:${id}`,
    model: null,
    missed: 'once',
    onlyIf: [],
    deliver: null,
    credential: null,
    by: 'owner',
    nextAt,
    isPaused: false,
    pausedWhy: null,
    closedUntil: 0,
    marks: {},
    version: 1,
    createdAt: 1,
    updatedAt: 1,
  }
}

await onBothEngines('the run of an instant', (store) => {
  let turns = 0
  const accept = (claim: JobClaim) => {
    const request = { door: 'cron', sender: OWNER.author, sessionKey: `cron:${claim.jobId}`, parts: [], claim, options: {} }
    return store().turns.accept({ turnId: `turn_${turns++}`, request: cleared(request), now: 5, queued: false, lease: { owner: 'run_1', until: 9 } })
  }
  const claimOf = (id: string, dueAt: number, more: Partial<JobClaim> = {}): JobClaim => ({ jobId: id, dueAt, nextAt: dueAt + HOUR, version: 1, ...more })

  it('is taken by one turn alone, in the commit that accepts it', async () => {
    await store().jobs.add(job('a', HOUR), 10)
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => accept(claimOf('a', HOUR, { marks: { file: 'x' } }))))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await store().turns.unfinished()).length, 1, 'whoever came second left nothing behind')
    const after = await store().jobs.get('a')
    assert.deepEqual([after?.nextAt, after?.marks], [2 * HOUR, { file: 'x' }])
    assert.equal((await store().jobs.run('a', HOUR))?.status, 'running')
    // A clock that was set back, and a job that was changed meanwhile.
    await store().jobs.replace({ ...job('a', HOUR), version: 2 }, { version: 1, nextAt: 2 * HOUR })
    await assert.rejects(accept(claimOf('a', HOUR, { version: 2 })), code('store/conflict'))
    await store().jobs.replace({ ...job('a', 3 * HOUR), version: 3 }, { version: 2, nextAt: HOUR })
    await assert.rejects(accept(claimOf('a', 3 * HOUR, { version: 2 })), code('store/conflict'))
    assert.equal(await store().jobs.pass(claimOf('a', 4 * HOUR, { version: 3 }), { status: 'missed', note: null, startedAt: 5 }), false)
    assert.equal((await store().turns.unfinished()).length, 1)
  })

  it('is closed for good once it was forgotten', async () => {
    await store().jobs.add(job('b', HOUR), 10)
    for (let hour = 1; hour <= 3; hour++) await store().jobs.pass(claimOf('b', hour * HOUR), { status: 'missed', note: `note ${hour}`, startedAt: hour })
    await store().jobs.prune('b', 1)
    const runs = await store().jobs.runs({ jobId: 'b', limit: 10 })
    assert.deepEqual(
      runs.map(({ dueAt, note }) => [dueAt, note]),
      [[3 * HOUR, 'note 3']],
    )
    const kept = await store().jobs.get('b')
    assert.equal(kept?.closedUntil, 2 * HOUR)
    await store().jobs.replace({ ...kept, nextAt: 2 * HOUR }, kept)
    await assert.rejects(accept(claimOf('b', 2 * HOUR)), code('store/conflict'))
  })

  it('ends once', async () => {
    await store().jobs.add(job('c', HOUR), 10)
    await accept(claimOf('c', HOUR))
    const run = { jobId: 'c', dueAt: HOUR }
    const ends = await Promise.all([1, 2, 3].map((endedAt) => store().jobs.settle(run, 'running', { status: 'ok', note: 'fine', endedAt })))
    assert.equal(ends.filter(Boolean).length, 1)
    assert.equal((await store().jobs.run('c', HOUR))?.note, 'fine')
    assert.deepEqual(
      (await store().jobs.running()).map(({ jobId }) => jobId),
      ['a'],
    )
  })

  it('is taken along with the conversation in which it runs, and so are its job and the tasks there, page by page', async () => {
    for (let index = 0; index < 120; index++) await store().jobs.add({ ...job(`other-${index}`, 9 * HOUR), prompt: 'x'.repeat(9000) }, 500)
    for (const id of ['mine-1', 'mine-2']) await store().jobs.add({ ...job(id, 9 * HOUR), sessionKey: 'cron:mine', createdAt: id === 'mine-1' ? 0 : 2 }, 500)
    await store().jobs.add(job('mine', 9 * HOUR), 500)
    await accept(claimOf('mine', 9 * HOUR))
    for (let index = 0; index < 60; index++) await store().tasks.add(aTask(`task-${index}`, { sessionKey: index === 7 ? 'elsewhere' : 'cron:mine' }), 100)
    const all = async (kind: ConversationKind) => {
      const rows: object[] = []
      for (let offset: number | null = 0; offset !== null;) {
        const page = await store().conversationData('cron:mine', kind, offset)
        rows.push(...(page?.rows ?? []))
        offset = page?.next ?? null
      }
      return rows
    }
    const ids = z.array(z.object({ id: z.string() }))
    assert.deepEqual(
      ids.parse(await all('jobs')).map(({ id }) => id),
      ['mine-1', 'mine', 'mine-2'],
    )
    assert.equal(new Set(ids.parse(await all('tasks')).map(({ id }) => id)).size, 59)
    const counts = await Promise.all(conversationKinds.map(async (kind) => [kind, (await all(kind)).length] as const))
    assert.deepEqual(Object.fromEntries(counts.filter(([, count]) => count > 0)), { turns: 1, jobs: 3, job_runs: 1, tasks: 59 })
    assert.equal((await store().conversationFacts('cron:mine'))?.rows['tasks'], 59)
  })
})
