/** Every tool of the house: one line each. */
import type { Messages } from '../contracts/destination.ts'
import type { EgressFetch } from '../contracts/egress.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Store } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import { configRead } from './config-read.ts'
import { currentTime } from './current-time.ts'
import { directoryList } from './directory-list.ts'
import { exec } from './exec/exec.ts'
import type { ExecSettings } from './exec/settings.ts'
import type { FileAccess } from './file-access.ts'
import { fileRead } from './file-read.ts'
import { mathEval } from './math-eval.ts'
import { mediaAnalyze, type MediaDeps } from './media-analyze.ts'
import { memoryTools } from './memory.ts'
import { messageSend } from './message-send.ts'
import { sessionTools, type ReadableSessions } from './sessions.ts'
import { webFetch, type WebSecrets } from './web-fetch.ts'

export interface ToolDeps {
  readonly store: Pick<Store, 'memory'> & { readonly sessions: ReadableSessions }
  readonly settings: Pick<Settings, 'get' | 'redacted'>
  readonly filesystem: FileAccess
  readonly fetch: EgressFetch
  /** What requests may name; without it, nothing. */
  readonly secrets?: WebSecrets
  /** Where messages may go; without it, nowhere. */
  readonly messages?: Messages
  /** How commands run; without it, none does. */
  readonly exec?: ExecSettings
  /** Who looks at pictures; without it, nobody. */
  readonly media?: MediaDeps
  readonly now: () => number
  /** IANA name of the owner's time zone. */
  readonly timeZone: string
}

export function createTools({ store, settings, filesystem, fetch, secrets, messages, media, exec: commands, now, timeZone }: ToolDeps): readonly AnyTool[] {
  return [
    currentTime(now, timeZone),
    mathEval(),
    ...memoryTools(store.memory, now),
    ...sessionTools(store.sessions),
    configRead(settings),
    fileRead(filesystem),
    directoryList(filesystem),
    webFetch(fetch, secrets),
    ...(media === undefined ? [] : [mediaAnalyze(media, filesystem, fetch)]),
    ...(messages === undefined || messages.destinations.length === 0 ? [] : [messageSend(messages)]),
    ...(commands === undefined ? [] : [exec(commands)]),
  ]
}
