/** Keys of `cron`: what the owner writes into the file is how scheduled work runs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { cronGetResult, cronJobResult, cronRunsResult, cronStatusResult } from '../../src/contracts/ws/cron.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { hangs, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { until } from '../doubles/until.ts'
import { byOwner, scheduledGateway } from '../doubles/scheduled-gateway.ts'

const HOUR = 3_600_000

async function add({ client }: ConfiguredGateway, name: string, schedule: object) {
  return cronJobResult.parse(await client.call('cron.add', { name, prompt: 'go', schedule })).job
}

describe('cron', () => {
  it('enabled says whether anything runs', async () => {
    await using cara = await configuredGateway({ cron: { enabled: false } })
    await assert.rejects(add(cara, 'a', { every: '1h' }), /switched off/)
    assert.equal(cronStatusResult.parse(await cara.client.call('cron.status')).enabled, false)
    const off = await scheduledGateway({ providers: [scriptedProvider('scripted', () => says('hi'))], cron: { enabled: false } })
    const { store } = off.gateway.gateway
    const at = off.clock.now()
    const spec = { schedule: { kind: 'every', everyMs: HOUR, anchorAt: at }, kind: 'task', prompt: 'go', sessionKey: 'cron:a', model: null } as const
    const made = {
      ...byOwner,
      missed: 'once',
      onlyIf: [],
      marks: {},
      deliver: null,
      id: 'job_1',
      name: 'a',
      nextAt: at,
      isPaused: false,
      pausedWhy: null,
    } as const
    await store.jobs.add({ ...spec, ...made, closedUntil: 0, version: 1, createdAt: at, updatedAt: at }, 10)
    off.pass(HOUR)
    await off.look()
    assert.deepEqual(await off.ran(), [])
    await off.close()
  })

  it('timeZone is the one of schedules that name none', async () => {
    await using cara = await configuredGateway({ cron: { timeZone: 'Pacific/Auckland' } })
    const { schedule } = await add(cara, 'a', { cron: '0 8 * * *' })
    assert.equal(schedule.kind === 'cron' && schedule.timeZone, 'Pacific/Auckland')
    const { upcoming } = cronGetResult.parse(await cara.client.call('cron.get', { name: 'a' }))
    const shown = new Intl.DateTimeFormat('en-GB', { timeZone: 'Pacific/Auckland', timeStyle: 'short' }).format(upcoming[0])
    assert.equal(shown, '08:00')
    await assert.rejects(configuredGateway({ cron: { timeZone: 'Mars/Base' } }), /cron\.timeZone/)
  })

  it('maxJobs bounds what is kept', async () => {
    await using cara = await configuredGateway({ cron: { maxJobs: 1 } })
    await add(cara, 'a', { every: '1h' })
    await assert.rejects(add(cara, 'b', { every: '1h' }), /as many jobs as are allowed/)
  })

  it('maxConcurrentRuns bounds what runs at once', async () => {
    const running = async (maxConcurrentRuns: number) => {
      const cron = await scheduledGateway({ providers: [scriptedProvider('scripted', () => hangs)], cron: { maxConcurrentRuns } })
      for (const name of ['a', 'b', 'c']) await cron.jobs.add({ name, prompt: 'go', schedule: { every: '1h' } }, byOwner)
      cron.pass(HOUR)
      await cron.look()
      const { length } = await cron.runs()
      await cron.close()
      return length
    }
    assert.deepEqual([await running(1), await running(3)], [1, 3])
    const runningTasks = async (maxConcurrentRuns: number) => {
      const cron = await scheduledGateway({ providers: [scriptedProvider('scripted', () => hangs)], cron: { maxConcurrentRuns } })
      for (const prompt of ['a', 'b', 'c']) await cron.tasks.create({ prompt }, byOwner)
      await cron.look()
      const { length } = await cron.tasks.list({ state: 'running', limit: 9 })
      await cron.close()
      return length
    }
    assert.deepEqual([await runningTasks(1), await runningTasks(3)], [1, 3])
  })

  it('keepRuns bounds what is kept of each job', async () => {
    await using cara = await configuredGateway({ cron: { keepRuns: 2 } })
    await add(cara, 'a', { every: '1h' })
    for (let count = 0; count < 4; count++) {
      await cara.client.call('cron.run', { name: 'a' })
      for (;;) {
        const { runs } = cronRunsResult.parse(await cara.client.call('cron.runs', { name: 'a' }))
        if (runs.every(({ status }) => status !== 'running')) break
        await wait(50)
      }
    }
    // The rows go right after the end of the run.
    await until(async () => cronRunsResult.parse(await cara.client.call('cron.runs', { name: 'a' })).runs.length <= 2)
    assert.equal(cronRunsResult.parse(await cara.client.call('cron.runs', { name: 'a' })).runs.length, 2)
  })
})
