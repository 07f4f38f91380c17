/** Every tool of the house: one line each. */
import type { Messages } from '../contracts/destination.ts'
import type { EgressFetch } from '../contracts/egress.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Store } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { UndoLog } from '../contracts/undo.ts'
import type { OneAtATime } from '../std/one-at-a-time.ts'
import { configRead } from './config-read.ts'
import { cronTools, type JobTools } from './cron.ts'
import { currentTime } from './current-time.ts'
import { directoryList } from './directory-list.ts'
import { exec } from './exec/exec.ts'
import type { ExecSettings } from './exec/settings.ts'
import type { FileAccess } from './file-access.ts'
import { fileMove } from './file-move.ts'
import { fileRead } from './file-read.ts'
import { fileSearch } from './file-search.ts'
import { fileWrite } from './file-write.ts'
import { mathEval } from './math-eval.ts'
import { mediaAnalyze, type MediaDeps } from './media-analyze.ts'
import { memoryTools } from './memory.ts'
import { messageSend } from './message-send.ts'
import { sessionTools, type ReadableSessions } from './sessions.ts'
import { taskTools, type TaskTools } from './task.ts'
import { webFetch, type WebSecrets } from './web-fetch.ts'

export interface Writes {
  readonly log: UndoLog
  /** Writes of files wait for each other, also over conversations. */
  readonly inTurn: OneAtATime
}

export interface ToolDeps {
  readonly store: Pick<Store, 'memory'> & { readonly sessions: ReadableSessions }
  readonly settings: Pick<Settings, 'get' | 'redacted'>
  readonly filesystem: FileAccess
  readonly writes: Writes
  readonly fetch: EgressFetch
  /** What requests may name; without it, nothing. */
  readonly secrets?: WebSecrets
  /** Where messages may go; without it, nowhere. */
  readonly messages?: Messages
  /** How commands run; without it, none does. */
  readonly exec?: ExecSettings
  /** Work by the clock; without it, none is made. */
  readonly jobs?: JobTools
  /** Work that is tried until it is done; without it, none is made. */
  readonly tasks?: TaskTools
  /** Who looks at pictures; without it, nobody. */
  readonly media?: MediaDeps
  readonly now: () => number
  /** IANA name of the owner's time zone. */
  readonly timeZone: string
}

export function createTools({
  store,
  settings,
  filesystem,
  writes,
  fetch,
  secrets,
  messages,
  media,
  jobs,
  tasks,
  exec: commands,
  now,
  timeZone,
}: ToolDeps): readonly AnyTool[] {
  return [
    currentTime(now, timeZone),
    mathEval(),
    ...memoryTools(store.memory, writes.log, now),
    ...sessionTools(store.sessions),
    configRead(settings),
    ...(jobs === undefined ? [] : cronTools(jobs, writes.log)),
    ...(tasks === undefined ? [] : taskTools(tasks, writes.log)),
    ...fileTools(filesystem, writes),
    webFetch(fetch, secrets),
    ...(media === undefined ? [] : [mediaAnalyze(media, filesystem, fetch)]),
    ...(messages === undefined || messages.destinations.length === 0 ? [] : [messageSend(messages)]),
    ...(commands === undefined ? [] : [exec(commands)]),
  ]
}

/** Without a folder to work in, or without leave to write, there is nothing to tell a model of. */
function fileTools(filesystem: FileAccess, { log, inTurn }: Writes): readonly AnyTool[] {
  if (filesystem.roots.length === 0) return []
  const reading = [fileRead(filesystem), directoryList(filesystem), fileSearch(filesystem)]
  return filesystem.writeAccess ? [...reading, fileWrite(filesystem, log, inTurn), fileMove(filesystem, log, inTurn)] : reading
}
