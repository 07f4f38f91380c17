import type { CoreConfig } from '../config/schema.ts'
import type { Log, LogTail } from '../contracts/log.ts'
import type { Principal } from '../contracts/principal.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Announcer } from '../gateway/announce.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Reporter } from '../guard/stage.ts'

export interface ServerDeps {
  readonly gateway: Gateway
  readonly settings: Settings
  readonly messages: Announcer
  readonly logs: LogTail
  readonly log: Log
  readonly config: CoreConfig['gateway']
  /** Whose token this is; compares in constant time. */
  readonly authenticate: (token: string) => Principal | null
  readonly report: Reporter
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
