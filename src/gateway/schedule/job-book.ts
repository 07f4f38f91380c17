/** Makes and changes jobs. Nothing runs here. */
import { newId } from '../../std/ids.ts'
import type { CoreConfig } from '../../config/schema.ts'
import type { AuditTrail } from '../../contracts/audit.ts'
import type { DestinationInfo } from '../../contracts/destination.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { Job, JobAuthor, JobEvent, JobSpec, JobStore, ModelJobs, ScheduleText } from '../../contracts/schedule.ts'
import { Listeners } from '../listeners.ts'
import { instantsOf } from './instants.ts'
import type { JobChange, JobText } from './jobs.ts'
import { readSchedule } from './read-schedule.ts'

export interface JobBookDeps {
  readonly store: JobStore
  readonly config: CoreConfig['cron']
  readonly destinations: readonly Pick<DestinationInfo, 'name'>[]
  /** IANA name of the owner's. */
  readonly timeZone: string
  readonly audit: Pick<AuditTrail, 'note'>
  readonly now: () => number
  readonly log: Log
}

type ChangeAction = Extract<JobEvent['action'], 'added' | 'updated' | 'removed' | 'paused' | 'resumed'>

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const MAX_PROMPT = 64 * 1024
/** A change that loses against a run of the same moment is tried again. */
const TRIES = 5

export class JobBook implements ModelJobs {
  readonly timeZone: string
  readonly #deps: JobBookDeps
  readonly #listeners: Listeners<JobEvent>

  constructor(deps: JobBookDeps) {
    this.#deps = deps
    this.timeZone = deps.config.timeZone ?? deps.timeZone
    this.#listeners = new Listeners(deps.log)
  }

  list(): Promise<readonly Job[]> {
    return this.#deps.store.list()
  }

  async get(name: string): Promise<Job> {
    const job = (await this.#deps.store.named(name)) ?? (await this.#deps.store.get(name))
    if (job === null) throw new AppError('cron/not-found', name.slice(0, 128), { hint: '`cara cron list` shows what there is' })
    return job
  }

  async add(given: JobText, author: JobAuthor): Promise<Job> {
    const { store, config, now } = this.#deps
    if (!config.enabled) throw off()
    const at = now()
    const spec = await this.#read(given, author)
    const nextAt = (await instantsOf(spec.schedule)).next(at)
    const fresh = { nextAt, isPaused: false, pausedWhy: null, closedUntil: 0, marks: {}, version: 1, createdAt: at, updatedAt: at }
    const job: Job = { ...spec, ...fresh, id: newId('job', at) }
    await store.add(job, config.maxJobs)
    this.#changed('added', job)
    return job
  }

  async update(name: string, change: JobChange, author: JobAuthor): Promise<Job> {
    return this.#change(name, 'updated', async (job) => {
      const merged = { ...asText(job), ...definite(change), schedule: change.schedule ?? {} }
      // An old prompt stays the words of whoever wrote it.
      const words = change.prompt === undefined ? { ...author, origin: job.origin } : author
      const spec = await this.#read(merged, words, change.schedule === undefined ? job.schedule : undefined)
      return { ...spec, nextAt: job.isPaused ? null : await this.#next({ ...job, ...spec }) }
    })
  }

  pause(name: string): Promise<Job> {
    return this.#change(name, 'paused', async () => ({ isPaused: true, pausedWhy: null, nextAt: null }))
  }

  /** By nobody's hand. */
  pauseFor(job: Job, why: string): Promise<Job> {
    return this.#change(job.id, 'paused', async () => ({ isPaused: true, pausedWhy: why, nextAt: null }))
  }

  async resume(name: string, { credential, by }: JobAuthor): Promise<Job> {
    if (!this.#deps.config.enabled) throw off()
    return this.#change(name, 'resumed', async (job) => ({ isPaused: false, pausedWhy: null, nextAt: await this.#next(job), credential, by }))
  }

  async remove(name: string): Promise<Job> {
    const job = await this.get(name)
    if (!(await this.#deps.store.remove(job.id))) throw new AppError('cron/not-found', name.slice(0, 128))
    this.#changed('removed', job)
    return job
  }

  async preview(text: ScheduleText, count: number): Promise<readonly number[]> {
    const schedule = await readSchedule(text, this.#deps.now(), this.timeZone)
    const { next } = await instantsOf(schedule)
    const found: number[] = []
    for (let at = next(this.#deps.now()); at !== null && found.length < count; at = next(at)) found.push(at)
    return found
  }

  async upcoming({ schedule, nextAt }: Job, count: number): Promise<readonly number[]> {
    const { next } = await instantsOf(schedule)
    const found: number[] = []
    for (let at: number | null = nextAt; at !== null && found.length < count; at = next(at)) found.push(at)
    return found
  }

  subscribe(listener: (event: JobEvent) => void): () => void {
    return this.#listeners.add(listener)
  }

  tell(event: JobEvent): void {
    this.#listeners.tell(event)
  }

  #changed(action: ChangeAction, job: Job): void {
    this.#deps.audit.note({ kind: 'job-changed', job: job.id, action, by: job.by, words: job.origin.author.kind })
    this.tell({ action, job, run: null })
  }

  async #next({ schedule, closedUntil }: Job): Promise<number | null> {
    return (await instantsOf(schedule)).next(Math.max(this.#deps.now(), closedUntil))
  }

  async #change(name: string, action: ChangeAction, changed: (job: Job) => Promise<Partial<Job>>): Promise<Job> {
    for (let tries = 0; tries < TRIES; tries++) {
      const job = await this.get(name)
      const after: Job = { ...job, ...(await changed(job)), version: job.version + 1, updatedAt: this.#deps.now() }
      if (!(await this.#deps.store.replace(after, job))) continue
      this.#changed(action, after)
      return after
    }
    throw new AppError('store/conflict')
  }

  async #read(given: JobText, { origin, credential, by }: JobAuthor, kept?: JobSpec['schedule']): Promise<JobSpec> {
    const { name, prompt, deliver, model } = given
    if (!NAME.test(name)) throw new AppError('cron/invalid', 'the name', { hint: 'Small letters, digits, . _ and -, at most 64, a letter or digit first' })
    if (prompt.trim() === '' || prompt.length > MAX_PROMPT)
      throw new AppError('cron/invalid', 'the prompt', { hint: 'Say what is to be done, in at most 64 KiB' })
    if (deliver !== undefined && !this.#deps.destinations.some((known) => known.name === deliver)) {
      throw new AppError('message/unknown-destination', undefined, { hint: '`cara messages list` shows what is configured' })
    }
    return {
      name,
      prompt,
      schedule: kept ?? (await readSchedule(given.schedule, this.#deps.now(), this.timeZone)),
      kind: given.kind ?? 'task',
      origin,
      sessionKey: given.sessionKey ?? ownSession(name, origin.author.kind === 'owner'),
      model: model ?? null,
      missed: given.missed ?? 'once',
      onlyIf: given.onlyIf ?? [],
      deliver: deliver ?? null,
      credential,
      by,
    }
  }
}

/** What the owner said in the conversation of a job of his own would vouch for what a job of the model's does, so those have others. */
function ownSession(name: string, isOwners: boolean): string {
  return isOwners ? `cron:${name}` : `cron-model:${name}`
}

function asText({ name, prompt, kind, sessionKey, model, missed, onlyIf, deliver }: Job): Omit<JobText, 'schedule'> {
  return { name, prompt, kind, sessionKey, missed, onlyIf, model: model ?? undefined, deliver: deliver ?? undefined }
}

/** Without what is named and undefined. */
function definite({ name, prompt, ...rest }: JobChange): Partial<Omit<JobText, 'schedule'>> {
  const { kind, sessionKey, model, missed, onlyIf, deliver } = rest
  return {
    ...(name === undefined ? {} : { name }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(kind === undefined ? {} : { kind }),
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(model === undefined ? {} : { model }),
    ...(missed === undefined ? {} : { missed }),
    ...(onlyIf === undefined ? {} : { onlyIf }),
    ...(deliver === undefined ? {} : { deliver }),
  }
}

export function off(): AppError {
  return new AppError('cron/off', undefined, { hint: 'cara config set cron.enabled true' })
}
