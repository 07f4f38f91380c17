/** Jobs from the clock to the answer: a real gateway and store, a clock that the test turns. */
import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { textOf } from '../../src/contracts/message.ts'
import { fault, hangs, says, scriptedProvider, usage, type Scene } from '../doubles/scripted-provider.ts'
import { byOwner, scheduledGateway, type ScheduledOptions } from '../doubles/scheduled-gateway.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected

/** Answers with the number of the request. */
async function open(more: Partial<ScheduledOptions> = {}, scene: (index: number) => Scene = (index) => says(`answer ${index + 1}`)) {
  const provider = scriptedProvider('scripted', (_, index) => scene(index))
  const scheduled = await scheduledGateway({ providers: [provider], ...more })
  await scheduled.start()
  return Object.assign(scheduled, { provider })
}

describe('a job', () => {
  it('runs at its instants as a turn of its own conversation, and not between them', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'morning', prompt: 'What is new?', schedule: { cron: '0 8 * * *', timeZone: 'Europe/Berlin' } }, byOwner)
    await cron.settle()
    assert.deepEqual(await cron.ran(), [])
    cron.set(Date.parse('2026-03-11T06:59:59Z'))
    await cron.settle()
    assert.deepEqual(await cron.ran(), [])
    cron.pass(2000)
    await cron.settle()
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-11T07:00 ok'])
    const [run] = await cron.runs()
    const result = await cron.gateway.gateway.wait(run?.turnId ?? '', AbortSignal.timeout(5000))
    assert.deepEqual([result.text, result.sessionKey], ['answer 1', 'cron:morning'])
    const [request] = cron.provider.requests
    assert.deepEqual(
      request?.messages.map((message) => textOf(message)),
      ['What is new?'],
    )
    cron.pass(DAY)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-11T07:00 ok', '2026-03-12T07:00 ok'])
    await cron.close()
  })

  it('runs once and is over, at a time of its zone or after a while', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'party', prompt: 'go', schedule: { at: '2026-03-10T14:00', timeZone: 'Europe/Berlin' } }, byOwner)
    await cron.jobs.add({ name: 'tea', prompt: 'go', schedule: { at: '4m' } }, byOwner)
    await assert.rejects(cron.jobs.add({ name: 'tea', prompt: 'go', schedule: { at: '4m' } }, byOwner), code('cron/exists'))
    cron.pass(2 * HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T12:04 ok', '2026-03-10T13:00 ok'])
    assert.deepEqual(
      (await cron.jobs.list()).map(({ nextAt }) => nextAt),
      [null, null],
    )
    // One that is over gives its name away.
    await cron.jobs.add({ name: 'tea', prompt: 'go', schedule: { at: '4m' } }, byOwner)
    cron.pass(5 * MINUTE)
    await cron.settle()
    assert.equal(cron.provider.requests.length, 3)
    await cron.close()
  })

  it('says what is wrong with a schedule, a name, a destination', async () => {
    const cron = await open()
    const wrong: readonly (readonly [object, string])[] = [
      [{ schedule: { cron: '0 8 * *' } }, 'cron/invalid'],
      [{ schedule: { cron: '0 0 8 * * *' } }, 'cron/invalid'],
      [{ schedule: { cron: '0 8 30 2 *' } }, 'cron/invalid'],
      [{ schedule: { cron: '@daily' } }, 'cron/invalid'],
      [{ schedule: { cron: '0 8 * * *', timeZone: 'Mars/Base' } }, 'cron/invalid'],
      [{ schedule: { every: '10s' } }, 'cron/invalid'],
      [{ schedule: { every: 'often' } }, 'cron/invalid'],
      [{ schedule: { at: '2026-03-10T11:59Z' } }, 'cron/invalid'],
      [{ schedule: { at: '2026-02-31T11:59' } }, 'cron/invalid'],
      [{ schedule: {} }, 'cron/invalid'],
      [{ schedule: { at: '1m', every: '1m' } }, 'cron/invalid'],
      [{ name: 'Not a name' }, 'cron/invalid'],
      [{ prompt: ' ' }, 'cron/invalid'],
      [{ deliver: 'nowhere' }, 'message/unknown-destination'],
    ]
    for (const [change, expected] of wrong) {
      await assert.rejects(cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '5m' }, ...change }, byOwner), code(expected), JSON.stringify(change))
    }
    await assert.rejects(cron.jobs.get('a'), code('cron/not-found'))
    await cron.close()
  })

  it('is changed, paused, resumed, run by hand and removed', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'watch', prompt: 'go', schedule: { every: '30m' }, missed: 'skip' }, byOwner)
    const changed = await cron.jobs.update('watch', { prompt: 'look' }, byOwner)
    assert.deepEqual([changed.prompt, changed.missed, changed.schedule.kind], ['look', 'skip', 'every'])
    await cron.jobs.pause('watch')
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), [])
    await cron.jobs.resume('watch', byOwner)
    const { nextAt } = await cron.jobs.get('watch')
    assert.equal(new Date(nextAt ?? 0).toISOString(), '2026-03-10T13:30:00.000Z', 'at the same minutes as before')
    const run = await cron.jobs.run('watch')
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok'])
    assert.equal(run.status, 'running')
    assert.equal((await cron.jobs.get('watch')).nextAt, nextAt, 'the schedule stays as it is')
    await cron.jobs.remove('watch')
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual([await cron.jobs.list(), cron.provider.requests.length], [[], 1])
    await cron.close()
  })

  it('that fails says why, and runs again at its next instant', async () => {
    const cron = await open({}, (index) => (index === 0 ? fault('bad-request', 'no') : says('fine')))
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' } }, byOwner)
    cron.pass(HOUR)
    await cron.settle()
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 failed (no)', '2026-03-10T14:00 ok'])
    await cron.close()
  })

  it('that still runs is not begun again; that is written down', async () => {
    const cron = await open({}, () => hangs)
    await cron.jobs.add({ name: 'long', prompt: 'go', schedule: { every: '10m' } }, byOwner)
    cron.pass(10 * MINUTE)
    await cron.look()
    cron.pass(10 * MINUTE)
    await cron.look()
    assert.deepEqual(await cron.ran(), ['2026-03-10T12:10 running', '2026-03-10T12:20 skipped (the run before it had not ended)'])
    await cron.close()
  })

  it('whose maker may send no more is paused, and goes on for whoever resumes it', async () => {
    const good = new Set(['device:a', 'token:b'])
    const cron = await open({ maySend: (credential) => good.has(credential) })
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' } }, { ...byOwner, credential: 'device:a' })
    good.delete('device:a')
    cron.pass(HOUR)
    await cron.settle()
    const job = await cron.jobs.get('a')
    assert.deepEqual([job.isPaused, job.pausedWhy, await cron.ran()], [true, 'the credential that it was made by was taken away', []])
    await assert.rejects(cron.jobs.run('a'), code('cron/invalid'))
    await cron.jobs.resume('a', { ...byOwner, credential: 'token:b' })
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T14:00 ok'])
    await cron.close()
  })
})

describe('instants at which nothing could run', () => {
  for (const [missed, expected] of [
    ['skip', ['2026-03-10T13:00 missed (nothing could run then, and until 2026-03-10T15:00:00.000Z)', '2026-03-10T16:00 ok']],
    ['once', ['2026-03-10T13:00 missed (nothing could run then, and until 2026-03-10T14:00:00.000Z)', '2026-03-10T15:00 ok', '2026-03-10T16:00 ok']],
    ['all', ['2026-03-10T13:00 ok', '2026-03-10T14:00 ok', '2026-03-10T15:00 ok', '2026-03-10T16:00 ok']],
  ] as const) {
    it(`with missed: ${missed} are each written down, and run as it says`, async () => {
      const cron = await open()
      await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, missed }, byOwner)
      cron.pass(3 * HOUR + 30 * MINUTE)
      await cron.settle()
      cron.pass(30 * MINUTE)
      await cron.settle()
      assert.deepEqual(await cron.ran(), expected)
      await cron.close()
    })
  }

  it('run at most 24 at a time', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, missed: 'all' }, byOwner)
    cron.pass(10 * DAY)
    await cron.settle()
    const runs = await cron.runs()
    assert.deepEqual([runs.length, runs[0]?.status, runs.filter(({ status }) => status === 'ok').length], [25, 'missed', 24])
    await cron.close()
  })

  it('a few minutes late are on time: a restart in the minute of a run loses nothing', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, missed: 'skip' }, byOwner)
    cron.pass(HOUR + 4 * MINUTE)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok'])
    await cron.close()
  })
})

describe('an instant', () => {
  it('that a clock set back brings again does not run twice, and one set ahead does not silence the job', async () => {
    const cron = await open()
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' } }, byOwner)
    cron.pass(HOUR)
    await cron.settle()
    cron.set(Date.parse('2026-03-10T12:30:00Z'))
    await cron.settle()
    cron.pass(30 * MINUTE)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok'])
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok', '2026-03-10T14:00 ok'])
    // A year ahead, noticed, and set right.
    cron.set(Date.parse('2027-03-10T14:10:00Z'))
    await cron.settle()
    cron.set(Date.parse('2026-03-10T14:10:00Z'))
    await cron.settle()
    cron.pass(50 * MINUTE)
    await cron.settle()
    const ran = (await cron.ran()).filter((line) => line.endsWith(' ok'))
    assert.deepEqual(ran, ['2026-03-10T13:00 ok', '2026-03-10T14:00 ok', '2027-03-10T14:00 ok', '2026-03-10T15:00 ok'].toSorted())
    await cron.close()
  })

  it('runs once, however many gateways look at the same store', async () => {
    const cron = await open()
    const { gateway } = cron.gateway
    const others = await Promise.all(
      [1, 2].map(async () => {
        const { createSchedule } = await import('../../src/gateway/schedule/create-schedule.ts')
        const { JobBook } = await import('../../src/gateway/schedule/job-book.ts')
        const { coreSections } = await import('../../src/config/schema.ts')
        const config = coreSections.cron.parse({})
        const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => log }
        const now = () => cron.clock.now()
        const { TaskBook } = await import('../../src/gateway/schedule/task-book.ts')
        const book = new JobBook({ store: gateway.store.jobs, config, destinations: [], timeZone: 'UTC', audit: cron.gateway.audit, now, log })
        const taskBook = new TaskBook({ store: gateway.store.tasks, config, timeZone: 'UTC', audit: cron.gateway.audit, now, log })
        const announcer = { destinations: [], announce: () => Promise.reject(new Error('none')) }
        const files = { roots: [], excludePatterns: [], maxReadBytes: 1, writeAccess: false, protectedPaths: [] }
        const conditions = { memory: gateway.store.memory, files, fetch: () => Promise.reject(new AppError('net/unreachable')), timeZone: 'UTC' }
        const deps = {
          gateway,
          store: gateway.store,
          book,
          taskBook,
          conditions,
          announcer,
          config,
          isBrief: false,
          maySend: () => true,
          clock: cron.clock,
          monotonic: now,
          log,
        }
        const other = createSchedule(deps)
        await other.start()
        return other
      }),
    )
    for (let index = 0; index < 8; index++) await cron.jobs.add({ name: `job-${index}`, prompt: 'go', schedule: { every: '1h' } }, byOwner)
    for (let hour = 1; hour <= 3; hour++) {
      cron.pass(HOUR)
      await Promise.all([cron.look(), ...others.map((other) => other.look())])
      await cron.settle()
    }
    assert.equal(cron.provider.requests.length, 24)
    assert.equal((await cron.ran()).filter((line) => line.endsWith('ok')).length, 24)
    for (const other of others) other.stop()
    await cron.close()
  })

  it('stays closed when the row of its run was forgotten', async () => {
    const cron = await open({ cron: { keepRuns: 2 } })
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' } }, byOwner)
    for (let hour = 0; hour < 5; hour++) {
      cron.pass(HOUR)
      await cron.settle()
    }
    assert.deepEqual(await cron.ran(), ['2026-03-10T16:00 ok', '2026-03-10T17:00 ok'])
    cron.set(Date.parse('2026-03-10T12:30:00Z'))
    await cron.settle()
    for (let hour = 0; hour < 5; hour++) {
      cron.pass(HOUR)
      await cron.settle()
    }
    assert.equal(cron.provider.requests.length, 5)
    await cron.close()
  })
})

describe('the answer of a job', () => {
  it('is sent to its destination once, under the key of its instant', async () => {
    const cron = await open({ destinations: ['phone'] })
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, deliver: 'phone' }, byOwner)
    cron.pass(HOUR)
    await cron.settle()
    const job = await cron.jobs.get('a')
    const [run] = await cron.runs()
    assert.deepEqual(cron.announced, [{ to: 'phone', text: 'answer 1', purpose: 'job', by: 'owner', id: `cron:${job.id}:${run?.dueAt}` }])
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok (handed over for phone)'])
    await cron.close()
  })

  it('that could not be sent is said so', async () => {
    const cron = await open({ destinations: ['phone'], announce: () => Promise.reject(new AppError('message/undelivered')) })
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, deliver: 'phone' }, byOwner)
    cron.pass(HOUR)
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok (not sent to phone: The message could not be delivered)'])
    await cron.close()
  })

  it('of a heartbeat with nothing to tell is not sent', async () => {
    const answers = ['NOTHING', 'Nothing.', '  **nothing**!', 'Nothing is due, but it rains']
    const cron = await open({ destinations: ['phone'] }, (index) => says(answers[index] ?? ''))
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, deliver: 'phone', kind: 'heartbeat' }, byOwner)
    for (let hour = 0; hour < 4; hour++) {
      cron.pass(HOUR)
      await cron.settle()
    }
    assert.deepEqual(
      cron.announced.map(({ text }) => text),
      ['Nothing is due, but it rains'],
    )
    assert.match((await cron.ran())[0] ?? '', /13:00 ok \(nothing to tell\)/)
    await cron.close()
  })
})

describe('a job with a condition', () => {
  const page = (state: { body: string; etag?: string; status?: number; asked: string[] }): EgressFetch => {
    return async ({ headers }) => {
      state.asked.push(headers['if-none-match'] ?? '')
      const isSame = state.etag !== undefined && headers['if-none-match'] === state.etag
      return {
        status: state.status ?? (isSame ? 304 : 200),
        headers: state.etag === undefined ? {} : { etag: state.etag },
        body: (async function* () {
          yield Buffer.from(isSame ? '' : state.body)
        })(),
      }
    }
  }

  it('asks no model where its file has not changed, and says so', async (t) => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'carapace-if-')))
    t.after(() => rm(root, { recursive: true }))
    await writeFile(join(root, 'list.txt'), 'one')
    const cron = await open({ filesystem: { roots: [root] } })
    const path = join(root, 'list.txt')
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'file', path }] }, byOwner)
    await cron.jobs.add({ name: 'out', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'file', path: '/etc/passwd' }] }, byOwner)
    for (const change of [null, null, 'two', null, 'gone']) {
      if (change === 'gone') await rm(path)
      else if (change !== null) await writeFile(path, change)
      cron.pass(HOUR)
      await cron.settle()
    }
    const states = (await cron.runs('a')).map(({ status }) => status)
    assert.deepEqual(states, ['ok', 'skipped', 'ok', 'skipped', 'ok'])
    assert.equal((await cron.runs('a'))[1]?.note, `file ${path} had not changed`)
    assert.deepEqual(
      new Set((await cron.runs('out')).map(({ status, note }) => `${status} ${note?.slice(0, 40)}`)),
      new Set(['skipped file /etc/passwd: This path lies outside']),
    )
    assert.equal(cron.provider.requests.length, 3)
    await cron.close()
  })

  it('asks no model where its page has not changed, by its tag or by its bytes, or cannot be read', async () => {
    const state: { body: string; etag?: string; status?: number; asked: string[] } = { body: 'one', asked: [] }
    const cron = await open({ fetch: page(state) })
    await cron.jobs.add({ name: 'a', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'page', url: 'https://news.example/' }] }, byOwner)
    for (const change of [{}, {}, { body: 'two', etag: '"v2"' }, {}, { status: 500 }, { status: 200, body: 'three', etag: '"v3"' }]) {
      Object.assign(state, change)
      if (state.status === 200) delete state.status
      cron.pass(HOUR)
      await cron.settle()
    }
    assert.deepEqual(
      (await cron.runs()).map(({ status, note }) => [status, note]),
      [
        ['ok', null],
        ['skipped', 'page https://news.example/ had not changed'],
        ['ok', null],
        ['skipped', 'page https://news.example/ had not changed'],
        ['skipped', 'page https://news.example/: The tool failed: the server answered 500'],
        ['ok', null],
      ],
    )
    assert.deepEqual(state.asked, ['', '', '', '"v2"', '"v2"', '"v2"'])
    await cron.close()
  })

  it('runs only at its time of day and while its note is kept', async () => {
    const cron = await open()
    const { memory } = cron.gateway.gateway.store
    await cron.jobs.add({ name: 'day', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'between', from: '14:00', to: '16:00' }] }, byOwner)
    await cron.jobs.add({ name: 'night', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'between', from: '16:00', to: '14:00' }] }, byOwner)
    await cron.jobs.add({ name: 'note', prompt: 'go', schedule: { every: '1h' }, onlyIf: [{ kind: 'note', key: 'away' }] }, byOwner)
    for (let hour = 13; hour <= 16; hour++) {
      if (hour === 15) await memory.write({ key: 'away', value: 'yes', origin: OWNER, now: 1 })
      cron.pass(HOUR)
      await cron.settle()
    }
    const states = async (name: string) => (await cron.runs(name)).map(({ status }) => status)
    assert.deepEqual(await states('day'), ['skipped', 'ok', 'ok', 'skipped'])
    assert.deepEqual(await states('night'), ['ok', 'skipped', 'skipped', 'ok'])
    assert.deepEqual(await states('note'), ['skipped', 'skipped', 'ok', 'ok'])
    assert.equal((await cron.runs('note'))[0]?.note, 'there is no note away')
    await cron.close()
  })
})

describe('scheduled work', () => {
  it('waits for a place where as many runs go on as may', async () => {
    const ends: (() => void)[] = []
    const slow: Scene = [
      () =>
        new Promise((resolve) =>
          ends.push(() =>
            resolve([
              { type: 'text-delta', text: 'done' },
              { type: 'finish', reason: 'stop', usage },
            ]),
          ),
        ),
    ]
    const cron = await open({ cron: { maxConcurrentRuns: 2 } }, () => slow)
    for (const name of ['a', 'b', 'c']) await cron.jobs.add({ name, prompt: 'go', schedule: { every: '1h' }, missed: 'skip' }, byOwner)
    cron.pass(HOUR)
    await cron.look()
    const running = async () => (await cron.runs()).filter(({ status }) => status === 'running').length
    assert.equal(await running(), 2)
    cron.pass(20 * MINUTE)
    await cron.look()
    assert.equal(await running(), 2)
    while (ends.length < 2) await new Promise((resolve) => setImmediate(resolve))
    for (const end of ends.splice(0)) end()
    while (ends.length < 1) await new Promise((resolve) => setImmediate(resolve))
    ends[0]?.()
    await cron.settle()
    assert.deepEqual(await cron.ran(), ['2026-03-10T13:00 ok', '2026-03-10T13:00 ok', '2026-03-10T13:00 ok'], 'late, but it was seen in time')
    await cron.close()
  })

  it('keeps as many jobs as are allowed', async () => {
    const cron = await open({ cron: { maxJobs: 2 } })
    for (const name of ['a', 'b']) await cron.jobs.add({ name, prompt: 'go', schedule: { every: '1h' } }, byOwner)
    await assert.rejects(cron.jobs.add({ name: 'c', prompt: 'go', schedule: { every: '1h' } }, byOwner), code('cron/full'))
    await cron.close()
  })
})
