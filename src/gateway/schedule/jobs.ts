/** Scheduled work, as doors see it. */
import type { Condition, Job, JobAuthor, JobKind, JobRun, Missed, ScheduleText } from '../../contracts/schedule.ts'

export interface JobText {
  readonly name: string
  readonly prompt: string
  readonly schedule: ScheduleText
  readonly kind?: JobKind | undefined
  /** By default the job's own conversation, `cron:NAME`. */
  readonly sessionKey?: string | undefined
  readonly model?: string | undefined
  readonly missed?: Missed | undefined
  readonly onlyIf?: readonly Condition[] | undefined
  readonly deliver?: string | undefined
}

/** What is not named stays. */
export type JobChange = { readonly [Member in keyof JobText]?: JobText[Member] | undefined }

/** A job is named by its name or its id. All throw `cron/not-found`, and while scheduled work is switched off `cron/off` where they would make or run something. */
export interface Jobs {
  readonly timeZone: string
  list(): Promise<readonly Job[]>
  get(name: string): Promise<Job>
  /** Throws `cron/exists`, `cron/full`, `cron/invalid`, `message/unknown-destination`. */
  add(job: JobText, author: JobAuthor): Promise<Job>
  /** Whoever changes it answers for it from then on; an old prompt stays the words of whoever wrote it. */
  update(name: string, change: JobChange, author: JobAuthor): Promise<Job>
  pause(name: string): Promise<Job>
  /** From the next instant on. Whoever resumes it answers for it. */
  resume(name: string, author: JobAuthor): Promise<Job>
  remove(name: string): Promise<Job>
  /** Runs it at once, beside its schedule. */
  run(name: string): Promise<JobRun>
  runs(query: { readonly name?: string; readonly limit: number }): Promise<readonly (JobRun & { readonly name: string })[]>
  /** The next instants, at most `count`. */
  upcoming(job: Job, count: number): Promise<readonly number[]>
  status(): Promise<{ readonly isOn: boolean; readonly jobs: number; readonly running: number; readonly nextAt: number | null }>
}
