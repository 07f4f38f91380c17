import type { CoreConfig } from '../config/schema.ts'
import type { Log, LogTail } from '../contracts/log.ts'
import type { Settings, SharedSettings } from '../contracts/settings.ts'
import type { Announcer } from '../gateway/announce.ts'
import type { Erased } from '../contracts/store.ts'
import type { Undo } from '../contracts/undo.ts'
import type { WorkFeed } from '../contracts/work.ts'
import type { Jobs } from '../gateway/schedule/jobs.ts'
import type { Tasks } from '../gateway/schedule/tasks.ts'
import type { OutboxDesk } from '../gateway/outbox/outbox-desk.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Access } from '../guard/identity/access.ts'
import type { Tailnet } from '../guard/identity/tailnet.ts'
import type { Reporter } from '../guard/stage.ts'
import type { ReadForwarded } from '../guard/trusted-proxies.ts'
import type { Credentials } from './credentials.ts'

export interface ServerDeps {
  readonly gateway: Gateway
  readonly undo: Undo
  /** Leaves a receipt, then erases a conversation whose turns have ended; null where it is gone. */
  readonly erase: (key: string, id: string, by: string) => Promise<Erased | null>
  /** Forgets what is too old, now; rows by table. */
  readonly forgetOld: () => Promise<Readonly<Record<string, number>>>
  readonly jobs: Jobs
  readonly tasks: Tasks
  /** What becomes of jobs and tasks, on every node. */
  readonly work: Pick<WorkFeed, 'add'>
  readonly settings: Settings
  /** Of all nodes; null where the store is shared with nobody. */
  readonly sharedSettings: SharedSettings | null
  readonly messages: Announcer
  readonly outbox: OutboxDesk
  readonly logs: LogTail
  readonly log: Log
  readonly config: CoreConfig['gateway']
  /** Who may come in. */
  readonly access: Access
  /** How credentials are made and taken away. */
  readonly credentials: Credentials
  /** Null where no proxy is trusted. */
  readonly readForwarded: ReadForwarded | null
  /** How long a request whose turn waits for the owner is kept open. */
  readonly holdConnectionMs: number
  /** People of the tailnet; null where that is off. */
  readonly tailnet: Tailnet | null
  readonly report: Reporter
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
