/** What tools that write the owner's data share: the log that takes writes back, and the order of writes. */
import type { CoreConfig } from '../config/schema.ts'
import type { Paths } from '../config/paths.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { Store } from '../contracts/store.ts'
import type { ModelTasks } from '../contracts/task.ts'
import type { Undo, UndoLog } from '../contracts/undo.ts'
import { oneAtATime, type OneAtATime } from '../std/one-at-a-time.ts'
import { createUndoLog } from '../store/undo-log.ts'

export interface Writes {
  /** For tools. */
  readonly log: UndoLog
  readonly inTurn: OneAtATime
  /** For the owner. */
  readonly undo: Undo
}

export function createWrites(
  { undo: rows, memory, jobs, texts }: Pick<Store, 'undo' | 'memory' | 'jobs' | 'texts'>,
  paths: Pick<Paths, 'undo'>,
  limits: CoreConfig['undo'],
  audit: AuditTrail,
  now: () => number,
  tasks: ModelTasks,
): Writes {
  const inTurn = oneAtATime()
  const log = createUndoLog(rows, texts, paths.undo, limits, now)
  return {
    log,
    inTurn,
    undo: {
      list: (query) => rows.list(query),
      async apply(id, how) {
        const { takeBack } = await import('../tools/undo.ts')
        return takeBack(id, how, { store: rows, log, memory, jobs, tasks, audit, now, inTurn })
      },
    },
  }
}
