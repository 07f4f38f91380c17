import type * as z from 'zod'
import type { Job, JobRun } from '../contracts/schedule.ts'
import type { jobRunView, jobView } from '../contracts/ws/cron.ts'

export function viewJob(job: Job): z.input<typeof jobView> {
  const { id, name, schedule, kind, prompt, origin, sessionKey, model, missed, onlyIf, deliver, pausedWhy, nextAt, createdAt, updatedAt } = job
  const status = job.isPaused ? 'paused' : nextAt === null ? 'done' : 'waiting'
  const words = { author: origin.author.kind, trusted: origin.trust === 'trusted' }
  return {
    id,
    name,
    schedule,
    kind,
    prompt,
    ...words,
    sessionKey,
    model,
    missed,
    onlyIf: [...onlyIf],
    deliver,
    status,
    pausedWhy,
    nextAt,
    createdAt,
    updatedAt,
  }
}

export function viewRun({ jobId, dueAt, status, turnId, startedAt, endedAt, note }: JobRun, name: string): z.input<typeof jobRunView> {
  return { jobId, name, dueAt, status, runId: turnId, startedAt, endedAt, note }
}
