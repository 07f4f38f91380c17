/** Scheduled work: the jobs as doors and tools see them, and what runs them. */
import type { Job } from '../../contracts/schedule.ts'
import type { JobBook } from './job-book.ts'
import { JobRunner, type JobRunnerDeps } from './job-runner.ts'
import type { Jobs } from './jobs.ts'

export interface ScheduleControl {
  readonly jobs: Jobs
  /** After the recovery of turns. */
  start(): Promise<void>
  /** Happens by itself, too. */
  look(): Promise<void>
  stop(): void
}

const MAX_NAMES = 10_000

export function createSchedule(deps: JobRunnerDeps): ScheduleControl {
  const { book, store, clock, config } = deps
  const runner = new JobRunner(deps)
  const jobs: Jobs = {
    timeZone: book.timeZone,
    list: () => book.list(),
    get: (name) => book.get(name),
    add: (job, author) => book.add(job, author),
    update: (name, change, author) => book.update(name, change, author),
    pause: (name) => book.pause(name),
    resume: (name, author) => book.resume(name, author),
    remove: (name) => book.remove(name),
    run: (name) => runner.runNow(name),
    async runs({ name, limit }) {
      const job = name === undefined ? null : await book.get(name)
      const names = await namesOf(book, job)
      const runs = await store.jobs.runs({ ...(job === null ? {} : { jobId: job.id }), limit })
      return runs.map((run) => Object.assign({ name: names.get(run.jobId) ?? run.jobId }, run))
    },
    upcoming: (job, count) => book.upcoming(job, count),
    async status() {
      const all = await book.list()
      return { isOn: config.enabled, jobs: all.length, running: runner.running, nextAt: await store.jobs.nextDue(clock.now()) }
    },
    subscribe: (listener) => book.subscribe(listener),
  }
  return { jobs, start: () => runner.start(), look: () => runner.look(), stop: () => runner.stop() }
}

async function namesOf(book: JobBook, job: Job | null): Promise<ReadonlyMap<string, string>> {
  const all = job === null ? await book.list() : [job]
  return new Map(all.slice(0, MAX_NAMES).map(({ id, name }) => [id, name]))
}
