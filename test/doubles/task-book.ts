/** A book of tasks over a store; nothing runs. */
import type { AuditTrail } from '../../src/contracts/audit.ts'
import type { Store } from '../../src/contracts/store.ts'
import { TaskBook } from '../../src/gateway/schedule/task-book.ts'
import { recordedLog } from './recorded-log.ts'

export function taskBookOver(store: Pick<Store, 'tasks'>, audit: Pick<AuditTrail, 'note'>, now: () => number, isOn = true): TaskBook {
  return new TaskBook({ store: store.tasks, config: { enabled: isOn }, timeZone: 'UTC', audit, now, log: recordedLog().log })
}
