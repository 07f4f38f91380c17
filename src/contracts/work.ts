/** What becomes of jobs and tasks, as whoever listens is told. */
import type { JobEvent } from './schedule.ts'
import type { TaskEvent } from './task.ts'

export type WorkEvent = ({ readonly kind: 'job' } & JobEvent) | ({ readonly kind: 'task' } & TaskEvent)

/** Where it is told, and where doors hear of it: of this process, or of every node. */
export interface WorkFeed {
  tell(event: WorkEvent): void
  /** Returns the way to stop. */
  add(listener: (event: WorkEvent) => void): () => void
}

export interface KeptWork {
  readonly position: number
  /** Null where it cannot be read: a newer node may tell what this one does not know. */
  readonly event: WorkEvent | null
}

/** What nodes tell each other of jobs and tasks, in one order for all. */
export interface WorkLog {
  /** Behind everything that was told before. Tells the others. */
  append(event: WorkEvent, node: string, now: number): Promise<void>
  /** The oldest behind this position, at most `limit`. */
  after(position: number, limit: number): Promise<readonly KeptWork[]>
  /** Of the newest; 0 when there is none. */
  last(): Promise<number>
  /** Forgets those before this moment. */
  prune(before: number): Promise<void>
}
