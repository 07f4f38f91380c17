/** Jobs by the clock. */
import * as z from 'zod'

const jobSchedule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('at'), at: z.number() }),
  z.object({ kind: z.literal('every'), everyMs: z.number(), anchorAt: z.number() }),
  z.object({ kind: z.literal('cron'), expression: z.string(), timeZone: z.string() }),
])

export const jobCondition = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('between'), from: z.string(), to: z.string() }),
  z.object({ kind: z.literal('note'), key: z.string() }),
  z.object({ kind: z.literal('file'), path: z.string() }),
  z.object({ kind: z.literal('page'), url: z.string() }),
])

export const jobView = z.object({
  id: z.string(),
  name: z.string(),
  schedule: jobSchedule,
  kind: z.enum(['task', 'heartbeat']),
  prompt: z.string(),
  /** Whose words the prompt is; only the owner's count as his. */
  author: z.enum(['owner', 'peer', 'web', 'file', 'tool', 'plugin', 'model']),
  trusted: z.boolean(),
  sessionKey: z.string(),
  model: z.string().nullable(),
  missed: z.enum(['skip', 'once', 'all']),
  onlyIf: z.array(jobCondition),
  deliver: z.string().nullable(),
  status: z.enum(['waiting', 'paused', 'done']),
  pausedWhy: z.string().nullable(),
  nextAt: z.number().nullable(),
  createdAt: z.number(),
  updatedAt: z.number(),
})

export const jobRunView = z.object({
  jobId: z.string(),
  name: z.string(),
  dueAt: z.number(),
  status: z.enum(['running', 'sending', 'ok', 'failed', 'cancelled', 'skipped', 'missed']),
  runId: z.string().nullable(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  note: z.string().nullable(),
})

/** `cron.status {}` */
export const cronStatusResult = z.object({ enabled: z.boolean(), timeZone: z.string(), jobs: z.number(), running: z.number(), nextAt: z.number().nullable() })

/** `cron.list {}` */
export const cronListResult = z.object({ jobs: z.array(jobView), timeZone: z.string() })

/** `cron.get {name}`: by name or id, with its next instants. */
export const cronGetResult = z.object({ job: jobView, upcoming: z.array(z.number()), timeZone: z.string() })

/**
 * `cron.add {name, prompt, schedule: {at | every | cron, timeZone?}, kind?, sessionKey?, model?, missed?, onlyIf?, deliver?}`, `cron.update {name, …, enabled?}`: what is not named stays;
 * `cron.remove {name}`. Event `cron {action, job, run}` when something happens to a job.
 */
export const cronJobResult = z.object({ job: jobView })

/** `cron.run {name}`: at once, beside its schedule. */
export const cronRunResult = z.object({ run: jobRunView })

/** `cron.runs {name?, limit?}`, newest first. */
export const cronRunsResult = z.object({ runs: z.array(jobRunView), timeZone: z.string() })

export const cronEvent = z.object({
  action: z.enum(['added', 'updated', 'removed', 'paused', 'resumed', 'started', 'finished', 'skipped', 'missed']),
  job: jobView,
  run: jobRunView.nullable(),
})
