/** Work that begins by the clock: jobs, and the runs that came of them. A run is an ordinary turn. */
import type { Origin } from './origin.ts'

/** Times are milliseconds since the epoch. `every`: the first time one period after the anchor. `cron`: five fields, read in the time zone. */
export type Schedule =
  | { readonly kind: 'at'; readonly at: number }
  | { readonly kind: 'every'; readonly everyMs: number; readonly anchorAt: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timeZone: string }

/** What becomes of instants that passed while nothing could run: none runs, the newest one runs, or the newest 24 run one after the other. */
export type Missed = 'skip' | 'once' | 'all'

/** `heartbeat`: an answer of “nothing” is not delivered. */
export type JobKind = 'task' | 'heartbeat'

/** Something to look at before a model is asked. `between`: local time of day, `HH:MM`. `file` and `page`: changed since the last run. `note`: one is kept under this key. */
export type Condition =
  | { readonly kind: 'between'; readonly from: string; readonly to: string }
  | { readonly kind: 'note'; readonly key: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'page'; readonly url: string }

export interface JobSpec {
  /** Unique among the jobs. */
  readonly name: string
  readonly schedule: Schedule
  readonly kind: JobKind
  readonly prompt: string
  /** Whose words the prompt is, for good: what the model wrote down is not the owner's word when it runs. */
  readonly origin: Origin
  readonly sessionKey: string
  readonly model: string | null
  readonly missed: Missed
  /** It runs only where all of them hold. */
  readonly onlyIf: readonly Condition[]
  /** A destination that the answer is sent to, beside its conversation; null for none. */
  readonly deliver: string | null
  /** `Principal.credential` by which it was made: where that has ended, it does not run. */
  readonly credential: string | null
  /** For receipts. */
  readonly by: string
}

export interface Job extends JobSpec {
  readonly id: string
  /** Null while it is paused, and after its last instant. */
  readonly nextAt: number | null
  readonly isPaused: boolean
  /** Why it is paused, where nobody did it by hand; null otherwise. */
  readonly pausedWhy: string | null
  /** Instants up to this one never run again. */
  readonly closedUntil: number
  /** What its conditions saw at its last run, by condition. */
  readonly marks: Readonly<Record<string, string>>
  /** Grows with every change of the owner's. */
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** `sending`: its turn has ended, and its answer is on the way to a destination. `missed`: its instant passed while nothing could run. `skipped`: it was not due for a reason that `note` tells. */
export type RunStatus = 'running' | 'sending' | 'ok' | 'failed' | 'cancelled' | 'skipped' | 'missed'

export interface JobRun {
  readonly jobId: string
  /** The scheduled instant; with the job it is the key of the run. */
  readonly dueAt: number
  readonly status: RunStatus
  readonly turnId: string | null
  readonly startedAt: number
  readonly endedAt: number | null
  readonly note: string | null
}

export type JobAction = 'added' | 'updated' | 'removed' | 'paused' | 'resumed' | 'started' | 'finished' | 'skipped' | 'missed'

export interface JobEvent {
  readonly action: JobAction
  readonly job: Job
  readonly run: JobRun | null
}

/** Taken in the commit that accepts the turn, or not at all: one job and instant has one run, on every node and after every crash. */
export interface JobClaim {
  readonly jobId: string
  readonly dueAt: number
  /** When it is due next; null for never again. */
  readonly nextAt: number | null
  readonly version: number
  /** Kept with the run. */
  readonly marks?: Readonly<Record<string, string>>
  /** Run by hand, beside the schedule, which stays as it is. */
  readonly isExtra?: boolean
}

/** A schedule as people write it: exactly one of `at`, `every` and `cron`. */
export interface ScheduleText {
  /** `2026-12-24T18:00` in the time zone, the same with `Z` or an offset, or a duration from now: `20m`. */
  readonly at?: string | undefined
  /** A duration of a minute at least: `30m`, `1h30m`, `2d`. */
  readonly every?: string | undefined
  /** Five fields. */
  readonly cron?: string | undefined
  /** IANA name. */
  readonly timeZone?: string | undefined
}

/** Who makes or changes a job, and whose words it holds. */
export interface JobAuthor {
  readonly origin: Origin
  readonly credential: string | null
  readonly by: string
}

/** What tools may do: make, look and remove. What else there is, only the owner may. */
export interface ModelJobs {
  add(job: { readonly name: string; readonly prompt: string; readonly schedule: ScheduleText }, author: JobAuthor): Promise<Job>
  list(): Promise<readonly Job[]>
  /** Throws `cron/not-found`. */
  get(name: string): Promise<Job>
  remove(name: string): Promise<Job>
  /** The first instants of a schedule. Throws `cron/invalid`. */
  preview(schedule: ScheduleText, count: number): Promise<readonly number[]>
}

export interface JobStore {
  /** Throws `cron/exists` and, where there are as many as `maxJobs`, `cron/full`. */
  add(job: Job, maxJobs: number): Promise<void>
  get(id: string): Promise<Job | null>
  named(name: string): Promise<Job | null>
  list(): Promise<readonly Job[]>
  /** Due at `now` or before, the oldest first. */
  due(now: number): Promise<readonly Job[]>
  /** The next instant of any job after `now`; null when there is none. */
  nextDue(now: number): Promise<number | null>
  /** Replaces the job if it is still at `version` and at `nextAt`; says whether it was. */
  replace(job: Job, held: Pick<Job, 'version' | 'nextAt'>): Promise<boolean>
  remove(id: string): Promise<boolean>
  /** Writes down that an instant brings no turn, and moves on; false where somebody else did already. */
  pass(claim: JobClaim, run: Pick<JobRun, 'status' | 'note' | 'startedAt'>): Promise<boolean>
  /** Moves on from an instant that has its run already. */
  skip(claim: JobClaim): Promise<boolean>
  /** Forgets that an instant was missed. */
  unmiss(run: Pick<JobRun, 'jobId' | 'dueAt'>): Promise<void>
  /** Of a run that stands at `from`, once: false where somebody wrote it down already. */
  settle(
    run: Pick<JobRun, 'jobId' | 'dueAt'>,
    from: 'running' | 'sending',
    end: Pick<JobRun, 'status' | 'note'> & { readonly endedAt: number },
  ): Promise<boolean>
  run(jobId: string, dueAt: number): Promise<JobRun | null>
  /** Newest first. */
  runs(query: { readonly jobId?: string; readonly limit: number }): Promise<readonly JobRun[]>
  /** Also those whose answer is being sent. */
  running(): Promise<readonly JobRun[]>
  /** Forgets all but the newest `keep` runs that have ended; their instants stay closed. */
  prune(jobId: string, keep: number): Promise<void>
}
