/** Who runs an instant of a job is decided by the database, on both engines. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Job, JobClaim } from '../../src/contracts/schedule.ts'
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
})
