/** Makes tasks and changes how they stand. Nothing runs here. */
import { newId } from '../../std/ids.ts'
import type { CoreConfig } from '../../config/schema.ts'
import type { AuditTrail } from '../../contracts/audit.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { JobAuthor } from '../../contracts/schedule.ts'
import { ENDED, type ModelTasks, type Task, type TaskEvent, type TaskPolicy, type TaskState, type TaskStore } from '../../contracts/task.ts'
import { Listeners } from '../listeners.ts'
import { off } from './job-book.ts'
import type { Move } from './task-outcome.ts'
import type { PolicyChange, TaskChange, Tasks, TaskText } from './tasks.ts'

export interface TaskBookDeps {
  readonly store: TaskStore
  readonly config: Pick<CoreConfig['cron'], 'enabled'>
  readonly timeZone: string
  readonly audit: Pick<AuditTrail, 'note'>
  readonly now: () => number
  readonly log: Log
}

type ByHand = 'updated' | 'cancelled' | 'retried' | 'resumed'

const POLICY: TaskPolicy = { maxAttempts: 100, maxTotalRuntimeMs: 604_800_000, maxTurns: 25, maxRunTimeoutSeconds: 600 }
const MAX_OPEN = 1000
const MAX_PROMPT = 64 * 1024
/** A change that loses against a run of the same moment is tried again. */
const TRIES = 5

export class TaskBook implements Tasks, ModelTasks {
  readonly timeZone: string
  readonly #deps: TaskBookDeps
  readonly #listeners: Listeners<TaskEvent>
  #hasOpen = false

  constructor(deps: TaskBookDeps) {
    this.#deps = deps
    this.timeZone = deps.timeZone
    this.#listeners = new Listeners(deps.log)
  }

  get hasOpen(): boolean {
    return this.#hasOpen
  }

  /** Others that share the store make and end tasks, too. */
  async lookForOpen(): Promise<void> {
    this.#hasOpen = await this.#deps.store.hasOpen()
  }

  newId(): string {
    return newId('task', this.#deps.now())
  }

  async create({ prompt, sessionKey, model, policy = {} }: TaskText, { origin, credential, by }: JobAuthor, id = this.newId()): Promise<Task> {
    if (!this.#deps.config.enabled) throw off()
    const now = this.#deps.now()
    const task: Task = {
      id,
      prompt: saying(prompt),
      origin,
      model: model ?? null,
      policy: changed(POLICY, policy),
      credential,
      by,
      begunAt: now,
      sessionKey: sessionKey ?? `task:${id}`,
      state: 'queued',
      attempts: 0,
      runIds: [],
      turnId: null,
      nextAt: now,
      runUntil: null,
      blockedReason: null,
      lastError: null,
      since: now,
      version: 1,
      createdAt: now,
      endedAt: null,
    }
    await this.#deps.store.add(task, MAX_OPEN)
    this.#hasOpen = true
    this.#receipt('created', task, by)
    return task
  }

  list({ state, limit }: { readonly state?: TaskState | undefined; readonly limit: number }): Promise<readonly Task[]> {
    return this.#deps.store.list(state === undefined ? { limit } : { state, limit })
  }

  open(): Promise<readonly Task[]> {
    return this.#deps.store.open()
  }

  find(id: string): Promise<Task | null> {
    return this.#deps.store.get(id)
  }

  async get(id: string): Promise<Task> {
    const task = await this.find(id)
    if (task === null) throw new AppError('task/not-found', id.slice(0, 128), { hint: '`cara task list` shows what there is' })
    return task
  }

  update(id: string, { prompt, model, policy = {} }: TaskChange, { origin, credential, by }: JobAuthor): Promise<Task> {
    return this.#byHand(id, 'updated', by, (task) => {
      if (task.turnId !== null || ENDED.has(task.state)) throw standing(task)
      const words = prompt === undefined ? {} : { prompt: saying(prompt), origin }
      return { ...words, ...(model === undefined ? {} : { model }), policy: changed(task.policy, policy), credential, by }
    })
  }

  /** Its turn stays named: whoever looks next cancels it, after a crash too. */
  cancel(id: string, by: string, reason = 'Its task was cancelled'): Promise<Task> {
    return this.#byHand(id, 'cancelled', by, (task, now) => {
      if (task.state === 'cancelled') return null
      if (ENDED.has(task.state)) throw standing(task)
      return { state: 'cancelled', nextAt: null, runUntil: null, blockedReason: null, lastError: reason, since: now, endedAt: now }
    })
  }

  retry(id: string, { credential, by }: JobAuthor): Promise<Task> {
    return this.#byHand(id, 'retried', by, (task, now) => {
      if (task.turnId !== null || (task.state !== 'failed' && task.state !== 'cancelled')) throw standing(task)
      if (task.runIds.length >= task.policy.maxTurns) {
        throw new AppError('task/state', 'all its turns are used up', {
          hint: `Create another one in its conversation: cara task create --session ${task.sessionKey}`,
        })
      }
      return { ...queued(now), attempts: 0, begunAt: now, lastError: null, endedAt: null, credential, by }
    })
  }

  resume(id: string, { credential, by }: JobAuthor): Promise<Task> {
    return this.#byHand(id, 'resumed', by, (task, now) => {
      if (task.turnId !== null || ENDED.has(task.state)) throw standing(task)
      return { ...queued(now), credential, by }
    })
  }

  subscribe(listener: (event: TaskEvent) => void): () => void {
    return this.#listeners.add(listener)
  }

  tell(event: TaskEvent): void {
    this.#listeners.tell(event)
  }

  /** False where somebody else changed it first. What `move` does not name is over: turn, time, reason. */
  async move(task: Task, move: Move): Promise<boolean> {
    const now = this.#deps.now()
    const plain = { turnId: null, nextAt: null, runUntil: null, blockedReason: null, since: now, endedAt: ENDED.has(move.state) ? now : null }
    const after: Task = { ...task, ...plain, ...move, version: task.version + 1 }
    if (!(await this.#deps.store.replace(after, task.version))) return false
    this.tell({ action: after.state, task: after })
    return true
  }

  async #byHand(id: string, action: ByHand, by: string, change: (task: Task, now: number) => Partial<Task> | null): Promise<Task> {
    const { config, store, now } = this.#deps
    if (!config.enabled && action !== 'cancelled') throw off()
    for (let tries = 0; tries < TRIES; tries++) {
      const task = await this.get(id)
      const changes = change(task, now())
      if (changes === null) return task
      const after: Task = { ...task, ...changes, version: task.version + 1 }
      if (!(await store.replace(after, task.version))) continue
      this.#receipt(action, after, by)
      return after
    }
    throw new AppError('store/conflict')
  }

  #receipt(action: 'created' | ByHand, task: Task, by: string): void {
    this.#deps.audit.note({ kind: 'task-changed', task: task.id, action, by, words: task.origin.author.kind })
    this.tell({ action, task })
  }
}

function queued(now: number): Partial<Task> {
  return { state: 'queued', nextAt: now, blockedReason: null, since: now }
}

function saying(prompt: string): string {
  if (prompt.trim() === '' || prompt.length > MAX_PROMPT)
    throw new AppError('task/invalid', 'the prompt', { hint: 'Say what is to be done, in at most 64 KiB' })
  return prompt
}

function changed(policy: TaskPolicy, { maxAttempts, maxTotalRuntimeMs, maxTurns, maxRunTimeoutSeconds }: PolicyChange): TaskPolicy {
  return {
    maxAttempts: maxAttempts ?? policy.maxAttempts,
    maxTotalRuntimeMs: maxTotalRuntimeMs ?? policy.maxTotalRuntimeMs,
    maxTurns: maxTurns ?? policy.maxTurns,
    maxRunTimeoutSeconds: maxRunTimeoutSeconds ?? policy.maxRunTimeoutSeconds,
  }
}

function standing(task: Task): AppError {
  return new AppError('task/state', `it is ${task.state}`, { hint: hintFor(task) })
}

function hintFor({ id, state, turnId, blockedReason }: Task): string {
  if (state === 'done') return 'Its answer stands in its conversation'
  if (turnId === null) return state === 'failed' || state === 'cancelled' ? `cara task retry ${id} begins it again` : `cara task resume ${id} goes on now`
  if (blockedReason === 'approval_required') return 'It waits for your answer, and goes on by itself then: cara approvals'
  if (blockedReason === 'external_dependency') return `It goes on by itself; at once with: cara turns resume ${turnId}`
  return state === 'cancelled' ? 'Its last turn is just being ended' : `cara task show ${id} says how it stands`
}
