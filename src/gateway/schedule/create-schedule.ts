/** Scheduled work: the jobs and tasks as doors and tools see them, and what runs them. */
import type { Job } from '../../contracts/schedule.ts'
import type { WorkEvent, WorkFeed } from '../../contracts/work.ts'
import { Listeners } from '../listeners.ts'
import type { JobBook } from './job-book.ts'
import { JobRunner, type JobRunnerDeps } from './job-runner.ts'
import type { Jobs } from './jobs.ts'
import { ScheduleLoop, type ScheduleLoopDeps } from './schedule-loop.ts'
import { TaskRunner, type TaskRunnerDeps } from './task-runner.ts'
import type { Tasks } from './tasks.ts'

export interface ScheduleControl {
  readonly jobs: Jobs
  readonly tasks: Tasks
  /** What becomes of them. */
  readonly work: Pick<WorkFeed, 'add'>
  /** After the recovery of turns. */
  start(): Promise<void>
  /** Another configuration holds: what waited for one goes on. */
  reconfigured(): Promise<void>
  /** Happens by itself, too. */
  look(): Promise<void>
  stop(): void
}

type Runners = JobRunnerDeps & TaskRunnerDeps
export interface ScheduleDeps extends Omit<Runners, 'store' | 'gateway'>, Pick<ScheduleLoopDeps, 'monotonic'> {
  readonly store: Runners['store']
  readonly gateway: Runners['gateway']
  /** A gateway that lives for one command leaves what is due to the next one that stays. */
  readonly isBrief: boolean
  /** Of all who share the store; by default it is told here alone. */
  readonly work?: WorkFeed | null
}

const MAX_NAMES = 10_000

/** After these something may be due, or may have its place. */
const JOBS_LOOKED_AT: ReadonlySet<string> = new Set(['added', 'updated', 'resumed', 'finished'])
const TASKS_LOOKED_AT: ReadonlySet<string> = new Set(['created', 'retried', 'resumed', 'retry_wait', 'done', 'failed', 'cancelled', 'blocked'])

export function createSchedule(deps: ScheduleDeps): ScheduleControl {
  const { book, taskBook, store, clock, config, isBrief } = deps
  const runner = new JobRunner(deps)
  const taskRunner = new TaskRunner(deps)
  const runsDue = config.enabled && !isBrief
  const loop = new ScheduleLoop({
    ...deps,
    async work() {
      const areJobsDone = await runner.look(runsDue)
      return (await taskRunner.look(runsDue)) && areJobsDone
    },
    async nextDue(now) {
      if (!runsDue) return null
      const next = [await store.jobs.nextDue(now), await store.tasks.nextDue(now)].filter((at) => at !== null)
      return next.length === 0 ? null : Math.min(...next)
    },
    async clockWasSet() {
      await runner.rewind()
      await taskRunner.rewind()
    },
  })
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
  }
  const work = deps.work ?? new Listeners<WorkEvent>(deps.log)
  const leave = [book.subscribe((event) => work.tell({ kind: 'job', ...event })), taskBook.subscribe((event) => work.tell({ kind: 'task', ...event }))]
  return {
    jobs,
    tasks: taskBook,
    work,
    async start() {
      leave.push(
        book.subscribe(({ action }) => void (JOBS_LOOKED_AT.has(action) && loop.look())),
        taskBook.subscribe(({ action }) => void (TASKS_LOOKED_AT.has(action) && loop.look())),
      )
      await runner.start()
      taskRunner.start()
      await loop.look()
    },
    async reconfigured() {
      await taskRunner.unblock()
      await loop.look()
    },
    look: () => loop.look(),
    stop() {
      for (const end of leave) end()
      loop.stop()
      runner.stop()
      taskRunner.stop()
    },
  }
}

async function namesOf(book: JobBook, job: Job | null): Promise<ReadonlyMap<string, string>> {
  const all = job === null ? await book.list() : [job]
  return new Map(all.slice(0, MAX_NAMES).map(({ id, name }) => [id, name]))
}
