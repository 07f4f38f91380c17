/**
 * Runs jobs that are due. Whether an instant runs is decided by the commit that accepts its turn (`JobClaim`), never by what this process remembers: a restart, a clock that is set back and another
 * node meet the same row.
 */
import type { CoreConfig } from '../../config/schema.ts'
import { AppError, exposed } from '../../contracts/errors.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { Log } from '../../contracts/log.ts'
import type { Job, JobClaim, JobRun } from '../../contracts/schedule.ts'
import type { Store } from '../../contracts/store.ts'
import type { TurnResult } from '../../contracts/turn.ts'
import type { Gateway } from '../gateway.ts'
import type { Announcer } from '../announce.ts'
import type { Checked, ConditionDeps } from './check-conditions.ts'
import { deliverAnswer } from './deliver-answer.ts'
import { instantsOf } from './instants.ts'
import { off, type JobBook } from './job-book.ts'
import { nextStep } from './next-step.ts'
import { runMessage } from './run-message.ts'

export interface JobRunnerDeps {
  readonly gateway: Pick<Gateway, 'submit' | 'subscribe'>
  readonly store: Pick<Store, 'jobs' | 'turns' | 'sessions' | 'approvals'>
  readonly book: JobBook
  readonly announcer: Announcer
  readonly config: CoreConfig['cron']
  /** For jobs that have conditions. */
  readonly conditions: ConditionDeps
  readonly maySend: (credential: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** Steps of one look; what is left comes at the next. */
const MAX_STEPS = 2000
const DAY_MS = 86_400_000
/** An answer is in the outbox long before. */
const HANDED_OVER_MS = 10_000
const REVOKED = 'the credential that it was made by was taken away'

type DueJob = Job & { readonly nextAt: number }

export class JobRunner {
  readonly #deps: JobRunnerDeps
  readonly #stopped = new AbortController()
  /** Runs of this process, by turn. Those that wait for the owner are counted apart: they take nobody's place. */
  readonly #running = new Map<string, JobRun>()
  readonly #asking = new Set<string>()
  /** Jobs that were seen when they were due and wait for a place, and for which instant. */
  readonly #waiting = new Map<string, number>()
  #unsubscribe: () => void = () => undefined

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps
  }

  /** Takes up what an earlier process began. */
  async start(): Promise<void> {
    const { gateway, store } = this.#deps
    this.#unsubscribe = gateway.subscribe(({ turnId }, event) => {
      if (event.type === 'approval-requested') this.#asking.add(turnId)
      else if (event.type === 'turn-started') this.#asking.delete(turnId)
      else if (event.type === 'turn-finished' && this.#running.has(turnId)) void this.#finish(turnId, event.result)
    }, 'answers')
    for (const run of await store.jobs.running()) {
      if (run.turnId === null) continue
      this.#running.set(run.turnId, run)
      if ((await store.approvals.pending(run.turnId)) > 0) this.#asking.add(run.turnId)
      // The way out was cut off: the same message again, under the same key.
      if (run.status === 'sending') void this.#send(run, await store.turns.result(run.turnId))
    }
    await this.rewind()
  }

  stop(): void {
    this.#stopped.abort()
    this.#unsubscribe()
  }

  get running(): number {
    return this.#running.size
  }

  /** Says whether all that is due was done, or waits for an end. `runsDue`: whether runs begin here. */
  async look(runsDue: boolean): Promise<boolean> {
    await this.#settleEnded()
    return !runsDue || (await this.#runDue())
  }

  /** Beside the schedule. */
  async runNow(name: string): Promise<JobRun> {
    const { book, clock, config } = this.#deps
    if (!config.enabled) throw off()
    const job = await book.get(name)
    const dueAt = clock.now()
    if (!this.#mayRun(job)) throw new AppError('cron/invalid', REVOKED, { hint: `cara cron resume ${job.name}` })
    const run = await this.#submit(job, { jobId: job.id, dueAt, nextAt: job.nextAt, version: job.version, isExtra: true })
    if (run === null) throw new AppError('store/conflict')
    return run
  }

  /** False where something is left that no end of a run brings back. */
  async #runDue(): Promise<boolean> {
    const { store, clock } = this.#deps
    const now = clock.now()
    let steps = 0
    const left = new Map<string, 'waits' | 'failed'>()
    for (;;) {
      const due = (await store.jobs.due(now)).filter(({ id }) => !left.has(id))
      if (due.length === 0) return left.values().every((how) => how === 'waits')
      for (const job of due) {
        if (this.#stopped.signal.aborted || ++steps > MAX_STEPS) return false
        const how = isDue(job) ? await this.#advance(job, now) : 'waits'
        if (how !== 'done') left.set(job.id, how)
      }
    }
  }

  /** One step. `waits`: until a run has ended. */
  async #advance(job: DueJob, now: number): Promise<'done' | 'waits' | 'failed'> {
    const { store, book, config, log } = this.#deps
    if (!this.#mayRun(job)) {
      await book.pauseFor(job, REVOKED)
      return 'done'
    }
    const step = nextStep(job, await instantsOf(job.schedule), now, this.#waiting.get(job.id) === job.nextAt)
    const { claim } = step
    if (step.kind === 'pass') return this.#pass(job, claim, 'missed', step.note)
    const before = await store.jobs.run(job.id, claim.dueAt)
    // It was written off by a clock that stood ahead, and comes yet.
    if (before?.status === 'missed' && before.startedAt > now) await store.jobs.unmiss(before)
    // The clock was set back over it.
    else if (before !== null) return (await store.jobs.skip(claim)) ? 'done' : 'failed'
    const isGoing = this.#running.values().some(({ jobId }) => jobId === job.id)
    if (isGoing && job.missed !== 'all') return this.#pass(job, claim, 'skipped', 'the run before it had not ended')
    const taken = [...this.#running.keys()].filter((turnId) => !this.#asking.has(turnId)).length
    if (isGoing || taken >= config.maxConcurrentRuns) {
      this.#waiting.set(job.id, job.nextAt)
      return 'waits'
    }
    const checked = await this.#check(job, now)
    if (checked.why !== null) return this.#pass(job, claim, 'skipped', checked.why)
    try {
      return (await this.#submit(job, job.onlyIf.length === 0 ? claim : { ...claim, marks: checked.marks })) === null ? 'failed' : 'done'
    } catch (error) {
      const { code, message, retryable } = exposed(error)
      if (code === 'internal') log.error('cron.defect', { job: job.id, error })
      if (!retryable) return this.#pass(job, claim, 'failed', message)
      // Another node was first, or there is no room just now.
      log.warn('cron.unclaimed', { job: job.id, code })
      this.#waiting.set(job.id, job.nextAt)
      return 'failed'
    }
  }

  async #check(job: Job, now: number): Promise<Checked> {
    if (job.onlyIf.length === 0) return { why: null, marks: {} }
    const { checkConditions } = await import('./check-conditions.ts')
    return checkConditions(job, now, this.#deps.conditions, this.#stopped.signal)
  }

  /** Null where it has a turn already. */
  async #submit(job: Job, claim: JobClaim): Promise<JobRun | null> {
    const { gateway, store, book } = this.#deps
    // Its turn may end before `submit` answers.
    const ended: TurnResult[] = []
    const accepted = await gateway.submit(
      runMessage(job, claim),
      (event) => {
        if (event.type === 'turn-finished') ended.push(event.result)
      },
      'answers',
    )
    this.#waiting.delete(job.id)
    if (accepted.status === 'repeated') return null
    const run = await store.jobs.run(job.id, claim.dueAt)
    if (run === null) return null
    this.#running.set(accepted.turnId, run)
    book.tell({ action: 'started', job, run })
    if (ended[0] !== undefined) void this.#finish(accepted.turnId, ended[0])
    return run
  }

  async #pass(job: Job, claim: JobClaim, status: 'missed' | 'skipped' | 'failed', note: string): Promise<'done' | 'failed'> {
    const { store, clock, book } = this.#deps
    if (!(await store.jobs.pass(claim, { status, note, startedAt: clock.now() }))) return 'failed'
    const run = await store.jobs.run(job.id, claim.dueAt)
    book.tell({ action: status === 'failed' ? 'finished' : status, job, run })
    return 'done'
  }

  /** Runs whose turns ended unseen: before this process, or on another node. And those whose answer stayed here, because it could not be handed over or written down. */
  async #settleEnded(): Promise<void> {
    const { store, clock } = this.#deps
    const open = await store.jobs.running()
    const known = new Set(open.map(({ turnId }) => turnId))
    // Another node has written down their end.
    for (const turnId of this.#running.keys()) if (!known.has(turnId)) this.#running.delete(turnId)
    for (const run of open) {
      if (run.turnId === null) continue
      const result = await store.turns.result(run.turnId)
      if (run.status === 'sending') {
        // The same message under the same key: whoever sends it, it is taken once.
        if (clock.now() - (run.endedAt ?? 0) > HANDED_OVER_MS) await this.#send(run, result)
      } else if (result !== null) await this.#settle(run, result)
      else if (clock.now() - run.startedAt > DAY_MS && (await store.turns.open(run.turnId)) === null) {
        await store.jobs.settle(run, 'running', { status: 'failed', note: 'how its turn ended is no longer kept', endedAt: clock.now() })
      }
    }
  }

  /** As its journal says, whatever was heard: one that could not be kept stays open, and whoever goes on with it ends the run. */
  async #finish(turnId: string, heard: TurnResult): Promise<void> {
    const run = this.#running.get(turnId)
    if (run === undefined) return
    try {
      const { turns } = this.#deps.store
      if ((await turns.open(turnId)) !== null) return
      // It may have gone with its conversation, right after its end.
      await this.#settle(run, (await turns.result(turnId)) ?? heard)
    } catch (error) {
      // The next look finds it.
      this.#deps.log.error('cron.unsettled', { job: run.jobId, error })
    }
  }

  async #settle(run: JobRun, result: TurnResult): Promise<void> {
    const { store, clock } = this.#deps
    this.#asking.delete(run.turnId ?? '')
    const job = await store.jobs.get(run.jobId)
    const status = result.status === 'completed' ? (job?.deliver === null ? 'ok' : 'sending') : result.status
    const settled = await store.jobs.settle(run, 'running', { status, note: result.error?.message ?? null, endedAt: clock.now() })
    if (settled && status === 'sending') void this.#send({ ...run, endedAt: clock.now() }, result)
    else await this.#end(run, job)
  }

  async #send(run: JobRun, result: TurnResult | null): Promise<void> {
    const { store, clock, announcer, log } = this.#deps
    try {
      const job = await store.jobs.get(run.jobId)
      const note = job === null || result === null ? null : await deliverAnswer(job, run, result, { announcer, sessions: store.sessions, log })
      // What the end of this process cut off is sent by the next one.
      if (this.#stopped.signal.aborted) return
      await store.jobs.settle(run, 'sending', { status: 'ok', note, endedAt: run.endedAt ?? clock.now() })
      await this.#end(run, job)
    } catch (error) {
      // A later look sends it again.
      log.error('cron.unsettled', { job: run.jobId, error })
    }
  }

  async #end(run: JobRun, job: Job | null): Promise<void> {
    const { store, book, config } = this.#deps
    this.#running.delete(run.turnId ?? '')
    if (job === null) return
    await store.jobs.prune(job.id, config.keepRuns)
    book.tell({ action: 'finished', job, run: await store.jobs.run(run.jobId, run.dueAt) })
  }

  #mayRun({ credential }: Job): boolean {
    return credential === null || this.#deps.maySend(credential)
  }

  /** A clock that stood ahead left jobs waiting for a time that is far away now. */
  async rewind(): Promise<void> {
    const { store, clock } = this.#deps
    for (const job of await store.jobs.list()) {
      if (job.nextAt === null) continue
      const expected = (await instantsOf(job.schedule)).next(Math.max(clock.now(), job.closedUntil))
      if (expected !== null && expected < job.nextAt) await store.jobs.replace({ ...job, nextAt: expected }, job)
    }
  }
}

function isDue(job: Job): job is DueJob {
  return job.nextAt !== null
}
