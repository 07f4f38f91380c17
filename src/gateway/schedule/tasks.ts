/** Durable tasks, as doors see them. */
import type { JobAuthor } from '../../contracts/schedule.ts'
import type { Task, TaskPolicy, TaskState } from '../../contracts/task.ts'

export type PolicyChange = { readonly [Member in keyof TaskPolicy]?: TaskPolicy[Member] | undefined }

export interface TaskText {
  readonly prompt: string
  /** By default the task's own conversation, `task:ID`. */
  readonly sessionKey?: string | undefined
  readonly model?: string | undefined
  readonly policy?: PolicyChange | undefined
}

/** What is not named stays. */
export interface TaskChange {
  readonly prompt?: string | undefined
  readonly model?: string | undefined
  readonly policy?: PolicyChange | undefined
}

/** All but `create` and `list` throw `task/not-found`; what would make it run throws `cron/off` while scheduled work is switched off. */
export interface Tasks {
  readonly timeZone: string
  /** Throws `task/invalid`, `task/full`. */
  create(task: TaskText, author: JobAuthor): Promise<Task>
  /** Newest first. */
  list(query: { readonly state?: TaskState | undefined; readonly limit: number }): Promise<readonly Task[]>
  get(id: string): Promise<Task>
  /** From the next run on: an old prompt stays the words of whoever wrote it, and whoever changes it answers for it. Throws `task/state` while a turn of it goes on and after its end. */
  update(id: string, change: TaskChange, author: JobAuthor): Promise<Task>
  /** Its turn, too. Throws `task/state` where it has ended otherwise. */
  cancel(id: string, by: string, reason?: string): Promise<Task>
  /** Begins one again that failed or was cancelled, in its conversation. Whoever does answers for it. Throws `task/state`. */
  retry(id: string, author: JobAuthor): Promise<Task>
  /** Goes on now with one that is blocked or waits. Whoever does answers for it. Throws `task/state`, also where its turn waits. */
  resume(id: string, author: JobAuthor): Promise<Task>
}
