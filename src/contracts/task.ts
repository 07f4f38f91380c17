/** Work that is to be done once and survives what comes between: a prompt that is run again, each time as an ordinary turn, until it is done or a limit is reached. */
import type { Origin } from './origin.ts'
import type { JobAuthor } from './schedule.ts'

/** `retry_wait`: a run failed, or ended at a budget, and the next one comes at `nextAt`. */
export type TaskState = 'queued' | 'running' | 'blocked' | 'retry_wait' | 'done' | 'failed' | 'cancelled'

/**
 * `approval_required`: its turn asks the owner. `external_dependency`: its turn sleeps until the time that a model server named. `config_missing`: no provider, or one that refuses our
 * credentials. `operator_action_required`: nobody answers for it, or its turn used up the money of one turn.
 */
export type BlockedReason = 'approval_required' | 'external_dependency' | 'config_missing' | 'operator_action_required'

export const ENDED: ReadonlySet<TaskState> = new Set(['done', 'failed', 'cancelled'])

export interface TaskPolicy {
  /** Tries since it was created or retried by hand, also those whose turn was not accepted. */
  readonly maxAttempts: number
  /** Since it was created or retried by hand; no try begins after that. */
  readonly maxTotalRuntimeMs: number
  /** Turns in all, for good. */
  readonly maxTurns: number
  /** Of one run, from when its turn begins, or goes on after it waited. */
  readonly maxRunTimeoutSeconds: number
}

export interface TaskSpec {
  readonly prompt: string
  /** Whose words the prompt is, for good: what the model wrote down is not the owner's word when it runs. */
  readonly origin: Origin
  readonly model: string | null
  readonly policy: TaskPolicy
  /** `Principal.credential` of who answers for it: where that has ended, it does not run. */
  readonly credential: string | null
  /** For receipts. */
  readonly by: string
  /** When it was created, or retried by hand. */
  readonly begunAt: number
}

export interface Task extends TaskSpec {
  readonly id: string
  readonly sessionKey: string
  readonly state: TaskState
  readonly attempts: number
  /** Its turns, the oldest first. */
  readonly runIds: readonly string[]
  /** The turn that goes on now, waits, or is being cancelled. */
  readonly turnId: string | null
  /** When something is to be done with it next; null while it waits for somebody, and after its end. */
  readonly nextAt: number | null
  /** When the time of the run that goes on is over. */
  readonly runUntil: number | null
  readonly blockedReason: BlockedReason | null
  readonly lastError: string | null
  /** Since when it stands as it does. */
  readonly since: number
  /** Grows with every change: whoever holds an older one changes nothing. */
  readonly version: number
  readonly createdAt: number
  readonly endedAt: number | null
}

export interface TaskEvent {
  readonly action: 'created' | 'updated' | 'retried' | 'resumed' | TaskState
  readonly task: Task
}

/** Taken in the commit that accepts the turn, or not at all: one try has one turn, on every node and after every crash. */
export interface TaskClaim {
  readonly taskId: string
  readonly version: number
  /** Tries with this one. */
  readonly attempts: number
  /** When its time is over. */
  readonly until: number
}

/** How the turn of a task stands. `gone`: its conversation was erased. */
export type TaskTurn = 'runs' | 'asks' | 'sleeps' | 'ended' | 'gone'

export interface TaskStore {
  /** Throws `task/full` where as many as `maxOpen` have not ended. */
  add(task: Task, maxOpen: number): Promise<void>
  get(id: string): Promise<Task | null>
  /** Newest first. */
  list(query: { readonly state?: TaskState; readonly limit: number }): Promise<readonly Task[]>
  /** Those that have not ended, the oldest first. */
  open(): Promise<readonly Task[]>
  hasOpen(): Promise<boolean>
  /** A try of them is due, the longest due first. */
  due(now: number, limit: number): Promise<readonly Task[]>
  /** The time of their run is over. */
  overdue(now: number): Promise<readonly Task[]>
  /** The next time after `now` at which one is either. */
  nextDue(now: number): Promise<number | null>
  /** How many run. */
  running(): Promise<number>
  /** The turns of tasks that have not ended yet, with their tasks. */
  turns(): Promise<ReadonlyMap<string, string>>
  /** Those, or the one of this id, that stand otherwise than their turns. */
  outdated(id?: string): Promise<readonly { readonly task: Task; readonly turn: TaskTurn }[]>
  /** Replaces the task if it is still at this version; says whether it was. */
  replace(task: Task, version: number): Promise<boolean>
  /** Tries that a clock which stood ahead put off: those that only wait for a place come now, those that wait longer than `latest` too. */
  rewind(now: number, latest: number): Promise<void>
  /** Those that wait for a configuration come now. */
  unblock(now: number): Promise<void>
}

/** What tools may do with tasks. */
export interface ModelTasks {
  /** Whether one may be unfinished, as far as this process knows. */
  readonly hasOpen: boolean
  newId(): string
  /** Throws `task/full`, `task/invalid`, `cron/off`. */
  create(task: { readonly prompt: string }, author: JobAuthor, id?: string): Promise<Task>
  find(id: string): Promise<Task | null>
  /** Those that have not ended, the oldest first. */
  open(): Promise<readonly Task[]>
  /** These throw `task/not-found`, `task/state`. */
  update(id: string, change: { readonly prompt: string }, author: JobAuthor): Promise<Task>
  cancel(id: string, by: string): Promise<Task>
  retry(id: string, author: JobAuthor): Promise<Task>
}
