import * as z from 'zod'
import { OWNER } from '../../contracts/origin.ts'
import type { Principal } from '../../contracts/principal.ts'
import { cronGetResult, cronJobResult, cronListResult, cronRunResult, cronRunsResult, cronStatusResult } from '../../contracts/ws/cron.ts'
import type { JobAuthor } from '../../contracts/schedule.ts'
import { viewJob, viewRun } from '../job-view.ts'
import { defineMethod } from '../method.ts'
import { messageText, model, sessionKey } from './params.ts'

const name = z.string().min(1).max(128)
const short = z.string().min(1).max(128)
const schedule = z.strictObject({ at: short.optional(), every: short.optional(), cron: short.optional(), timeZone: short.optional() })
const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM')
const condition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('between'), from: timeOfDay, to: timeOfDay }),
  z.strictObject({ kind: z.literal('note'), key: z.string().min(1).max(1024) }),
  z.strictObject({ kind: z.literal('file'), path: z.string().min(1).max(4096) }),
  z.strictObject({ kind: z.literal('page'), url: z.url({ protocol: /^https$/ }).max(2048) }),
])
const details = {
  kind: z.enum(['task', 'heartbeat']).optional(),
  sessionKey: sessionKey.optional(),
  model: model.optional(),
  missed: z.enum(['skip', 'once', 'all']).optional(),
  onlyIf: z.array(condition).max(8).optional(),
  deliver: z.string().min(1).max(64).optional(),
}
const UPCOMING = 5

/** Whoever may write says the owner's words. */
function owner({ id, credential }: Principal): JobAuthor {
  return { origin: OWNER, credential, by: id }
}

export const cronStatus = defineMethod({
  name: 'cron.status',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: cronStatusResult,
  async handle(_, { deps }) {
    const { isOn, ...rest } = await deps.jobs.status()
    return { enabled: isOn, timeZone: deps.jobs.timeZone, ...rest }
  },
})

export const cronList = defineMethod({
  name: 'cron.list',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: cronListResult,
  handle: async (_, { deps }) => ({ jobs: (await deps.jobs.list()).map(viewJob), timeZone: deps.jobs.timeZone }),
})

export const cronGet = defineMethod({
  name: 'cron.get',
  scope: 'operator.read',
  params: z.strictObject({ name }),
  result: cronGetResult,
  async handle(params, { deps: { jobs } }) {
    const job = await jobs.get(params.name)
    return { job: viewJob(job), upcoming: [...(await jobs.upcoming(job, UPCOMING))], timeZone: jobs.timeZone }
  },
})

export const cronAdd = defineMethod({
  name: 'cron.add',
  scope: 'operator.write',
  params: z.strictObject({ name, prompt: messageText, schedule, ...details }),
  result: cronJobResult,
  handle: async (params, { deps, principal }) => ({ job: viewJob(await deps.jobs.add(params, owner(principal))) }),
})

export const cronUpdate = defineMethod({
  name: 'cron.update',
  scope: 'operator.write',
  params: z.strictObject({ name, prompt: messageText.optional(), schedule: schedule.optional(), enabled: z.boolean().optional(), ...details }),
  result: cronJobResult,
  async handle({ name, enabled, ...change }, { deps: { jobs }, principal }) {
    let job = Object.keys(change).length === 0 ? await jobs.get(name) : await jobs.update(name, change, owner(principal))
    if (enabled === false) job = await jobs.pause(name)
    if (enabled === true) job = await jobs.resume(name, owner(principal))
    return { job: viewJob(job) }
  },
})

export const cronRemove = defineMethod({
  name: 'cron.remove',
  scope: 'operator.write',
  params: z.strictObject({ name }),
  result: cronJobResult,
  handle: async (params, { deps }) => ({ job: viewJob(await deps.jobs.remove(params.name)) }),
})

export const cronRun = defineMethod({
  name: 'cron.run',
  scope: 'operator.write',
  params: z.strictObject({ name }),
  result: cronRunResult,
  async handle(params, { deps: { jobs } }) {
    const job = await jobs.get(params.name)
    return { run: viewRun(await jobs.run(job.id), job.name) }
  },
})

export const cronRuns = defineMethod({
  name: 'cron.runs',
  scope: 'operator.read',
  params: z.strictObject({ name: name.optional(), limit: z.int().min(1).max(1000).default(50) }),
  result: cronRunsResult,
  async handle({ name, limit }, { deps: { jobs } }) {
    const runs = await jobs.runs({ ...(name === undefined ? {} : { name }), limit })
    return { runs: runs.map((run) => viewRun(run, run.name)), timeZone: jobs.timeZone }
  },
})
