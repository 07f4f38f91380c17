/** Jobs and their runs. What a job says is sealed; when it is due is a column, by which every claim is decided. */
import { AppError } from '../contracts/errors.ts'
import type { Job, JobClaim, JobRun, JobStore, RunStatus } from '../contracts/schedule.ts'
import type { Database, Row, SqlValue, Statement, Texts } from '../contracts/store.ts'
import { integer, integerOrNull, isObject, json, text, textOrNull } from './rows.ts'
import { runRow } from './sealed-columns.ts'
import { stands } from './stands.ts'

const MAX_DUE = 200
const MAX_JOBS = 10_000
const STATUSES: readonly string[] = ['running', 'sending', 'ok', 'failed', 'cancelled', 'skipped', 'missed'] satisfies RunStatus[]
const OPEN = `status IN ('running', 'sending')`
const DONE = `next_at IS NULL AND paused = 0 AND NOT EXISTS (SELECT 1 FROM job_runs WHERE job_id = jobs.id AND ${OPEN})`
/** Jobs that had their last instant. */
const KEEP_DONE = 100
const JOBS = 'SELECT id, name, next_at, paused, paused_why, closed_until, data, marks, version, created_at, updated_at FROM jobs'
const RUNS = 'SELECT job_id, due_at, status, turn_id, started_at, ended_at, note FROM job_runs'

export function createJobStore(database: Database): JobStore {
  const { texts } = database
  const jobs = async (where: string, params: readonly SqlValue[]) => (await database.query(`${JOBS} ${where}`, params)).map((row) => toJob(texts, row))
  const runs = async (where: string, params: readonly SqlValue[]) => (await database.query(`${RUNS} ${where}`, params)).map((row) => toRun(texts, row))
  /** Whether the commit stood; another one that came first is no fault. */
  const wins = (statements: readonly Statement[]) => stands(database.commit(statements))

  return {
    async add(job, maxJobs) {
      const [id, ...rest] = columns(texts, job)
      const statements = [
        // One that is over makes room, at once where it has the same name.
        {
          sql: `DELETE FROM jobs WHERE ${DONE} AND (name = $1 OR id NOT IN (SELECT id FROM jobs WHERE next_at IS NULL AND paused = 0 ORDER BY updated_at DESC LIMIT ${KEEP_DONE}))`,
          params: [job.name],
        },
        { sql: 'DELETE FROM job_runs WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job_runs.job_id)', params: [] },
        {
          sql: `INSERT INTO jobs (id, name, next_at, paused, paused_why, closed_until, data, version, created_at, updated_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE (SELECT count(*) FROM jobs WHERE next_at IS NOT NULL OR paused = 1) < $11`,
          params: [id ?? null, ...rest, maxJobs],
          expectChanges: 1,
        },
      ]
      if (await wins(statements)) return
      throw new AppError((await jobs('WHERE name = $1', [job.name])).length > 0 ? 'cron/exists' : 'cron/full', job.name)
    },
    get: async (id) => (await jobs('WHERE id = $1', [id]))[0] ?? null,
    named: async (name) => (await jobs('WHERE name = $1', [name]))[0] ?? null,
    list: () => jobs(`ORDER BY name LIMIT ${MAX_JOBS}`, []),
    due: (now) => jobs(`WHERE next_at <= $1 ORDER BY next_at LIMIT ${MAX_DUE}`, [now]),
    async nextDue(now) {
      const [row] = await database.query('SELECT min(next_at) AS n FROM jobs WHERE next_at > $1', [now])
      return row === undefined || row['n'] === null ? null : integer(row, 'n')
    },
    replace: (job, { version, nextAt }) =>
      wins([
        {
          sql: `UPDATE jobs SET name = $2, next_at = $3, paused = $4, paused_why = $5, closed_until = $6, data = $7, version = $8, created_at = $9, updated_at = $10
            WHERE id = $1 AND version = $11 AND coalesce(next_at, -1) = $12`,
          params: [...columns(texts, job), version, nextAt ?? -1],
          expectChanges: 1,
        },
      ]),
    async remove(id) {
      const removed = await wins([{ sql: 'DELETE FROM jobs WHERE id = $1', params: [id], expectChanges: 1 }])
      if (removed) await database.commit([{ sql: 'DELETE FROM job_runs WHERE job_id = $1', params: [id] }])
      return removed
    },
    pass: (claim, { status, note, startedAt }) =>
      wins(claimed(texts, claim, { ...claim, status, turnId: null, startedAt, endedAt: startedAt, note: sealedNote(texts, claim, note) })),
    skip: (claim) => wins([advance(texts, claim)]),
    unmiss: ({ jobId, dueAt }) =>
      database.commit([{ sql: `DELETE FROM job_runs WHERE job_id = $1 AND due_at = $2 AND status = 'missed'`, params: [jobId, dueAt] }]),
    settle: (run, from, { status, note, endedAt }) =>
      wins([
        {
          sql: 'UPDATE job_runs SET status = $3, note = $4, ended_at = $5 WHERE job_id = $1 AND due_at = $2 AND status = $6',
          params: [run.jobId, run.dueAt, status, sealedNote(texts, run, note), endedAt, from],
          expectChanges: 1,
        },
      ]),
    run: async (jobId, dueAt) => (await runs('WHERE job_id = $1 AND due_at = $2', [jobId, dueAt]))[0] ?? null,
    runs: ({ jobId, limit }) =>
      jobId === undefined
        ? runs('ORDER BY started_at DESC, due_at DESC LIMIT $1', [limit])
        : runs('WHERE job_id = $2 ORDER BY due_at DESC LIMIT $1', [limit, jobId]),
    running: () => runs(`WHERE ${OPEN} ORDER BY due_at LIMIT ${MAX_JOBS}`, []),
    async prune(jobId, keep) {
      const [row] = await database.query(
        `SELECT due_at FROM job_runs WHERE job_id = $1 AND NOT (${OPEN}) ORDER BY due_at DESC LIMIT 1 OFFSET ${Math.max(1, Math.trunc(keep))}`,
        [jobId],
      )
      if (row === undefined) return
      const until = integer(row, 'due_at')
      await database.commit([
        { sql: `DELETE FROM job_runs WHERE job_id = $1 AND due_at <= $2 AND NOT (${OPEN})`, params: [jobId, until] },
        { sql: 'UPDATE jobs SET closed_until = $2 WHERE id = $1 AND closed_until < $2', params: [jobId, until] },
      ])
    },
  }
}

/** Part of the commit that accepts a turn: the run, and the job's next instant. Whoever comes second changes nothing, and that is a conflict. */
export function claimStatements(texts: Texts, claim: JobClaim, turnId: string, now: number): readonly Statement[] {
  return claimed(texts, claim, { ...claim, status: 'running', turnId, startedAt: now, endedAt: null, note: null })
}

function advance(texts: Texts, { jobId, dueAt, nextAt, version, marks, isExtra = false }: JobClaim): Statement {
  if (isExtra)
    return { sql: 'UPDATE jobs SET version = version WHERE id = $1 AND version = $2 AND closed_until < $3', params: [jobId, version, dueAt], expectChanges: 1 }
  return {
    sql: 'UPDATE jobs SET next_at = $3, marks = coalesce($5, marks) WHERE id = $1 AND next_at = $2 AND closed_until < $2 AND version = $4',
    params: [jobId, dueAt, nextAt, version, marks === undefined ? null : texts.seal('jobs.marks', jobId, JSON.stringify(marks))],
    expectChanges: 1,
  }
}

function claimed(texts: Texts, claim: JobClaim, run: JobRun): readonly Statement[] {
  const { jobId, dueAt } = claim
  return [
    advance(texts, claim),
    {
      sql: 'INSERT INTO job_runs (job_id, due_at, status, turn_id, started_at, ended_at, note) VALUES ($1, $2, $3, $4, $5, $6, $7)',
      params: [jobId, dueAt, run.status, run.turnId, run.startedAt, run.endedAt, run.note],
    },
  ]
}

function sealedNote(texts: Texts, run: Pick<JobRun, 'jobId' | 'dueAt'>, note: string | null): string | null {
  return note === null ? null : texts.seal('job_runs.note', runRow(run.jobId, run.dueAt), note)
}

type JobData = Pick<Job, 'schedule' | 'kind' | 'prompt' | 'origin' | 'sessionKey' | 'model' | 'missed' | 'deliver' | 'credential' | 'by'> &
  Partial<Pick<Job, 'onlyIf'>>

function columns(texts: Texts, job: Job): readonly SqlValue[] {
  const { schedule, kind, prompt, origin, sessionKey, model, missed, onlyIf, deliver, credential, by } = job
  const data: JobData = { schedule, kind, prompt, origin, sessionKey, model, missed, onlyIf, deliver, credential, by }
  const { id, name, nextAt, isPaused, pausedWhy, closedUntil, version, createdAt, updatedAt } = job
  return [id, name, nextAt, Number(isPaused), pausedWhy, closedUntil, texts.seal('jobs.data', id, JSON.stringify(data)), version, createdAt, updatedAt]
}

function toJob(texts: Texts, row: Row): Job {
  const id = text(row, 'id')
  const data = json(texts.open('jobs.data', id, text(row, 'data')), isJobData)
  return {
    ...data,
    // One that was made before there were any has none.
    onlyIf: data.onlyIf ?? [],
    id,
    name: text(row, 'name'),
    nextAt: integerOrNull(row, 'next_at'),
    isPaused: integer(row, 'paused') === 1,
    pausedWhy: textOrNull(row, 'paused_why'),
    closedUntil: integer(row, 'closed_until'),
    marks: row['marks'] === null ? {} : json(texts.open('jobs.marks', id, text(row, 'marks')), areMarks),
    version: integer(row, 'version'),
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  }
}

function toRun(texts: Texts, row: Row): JobRun {
  const [jobId, dueAt, status, note] = [text(row, 'job_id'), integer(row, 'due_at'), text(row, 'status'), textOrNull(row, 'note')]
  if (!isRunStatus(status)) throw new AppError('store/corrupt', 'a run of no known status')
  return {
    jobId,
    dueAt,
    status,
    turnId: textOrNull(row, 'turn_id'),
    startedAt: integer(row, 'started_at'),
    endedAt: integerOrNull(row, 'ended_at'),
    note: note === null ? null : texts.open('job_runs.note', runRow(jobId, dueAt), note),
  }
}

function isRunStatus(status: string): status is RunStatus {
  return STATUSES.includes(status)
}

function areMarks(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((mark) => typeof mark === 'string')
}

function isJobData(value: unknown): value is JobData {
  return (
    isObject(value) &&
    isObject(value['schedule']) &&
    isObject(value['origin']) &&
    typeof value['kind'] === 'string' &&
    typeof value['prompt'] === 'string' &&
    typeof value['sessionKey'] === 'string' &&
    typeof value['missed'] === 'string' &&
    typeof value['by'] === 'string'
  )
}
