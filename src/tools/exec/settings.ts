/** What the tool `exec` is given by the composition root. */
import type { Sandbox, TakeConnection } from '../../contracts/sandbox.ts'

export interface ExecSettings {
  /** Absolute; made where it is not there. */
  readonly workspace: string
  /** Folders of the owner that tools may write in: a command may start there. */
  readonly writableRoots: readonly string[]
  /** More folders that programs may read. */
  readonly readFolders: readonly string[]
  /** The gateway's own folders and files: no program sees them, and the workspace lies in none of them but as `workspace`. */
  readonly protectedPaths: readonly string[]
  /** A private folder for copies of what was approved; no sandbox sees it. */
  readonly copies: string
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly maxProcesses: number
  readonly maxOutputBytes: number
  readonly maxFileMb: number
  readonly maxDiskMb: number
  /** Throws `sandbox/unavailable`. */
  readonly sandbox: () => Promise<Sandbox>
  /** Names of the secrets that may go to one of these hosts. */
  readonly secretsFor: (hosts: readonly string[]) => readonly string[]
  /** A way to these hosts (`name:port`) and no others. */
  readonly openProxy: (hosts: readonly string[]) => Promise<HostProxy>
}

export interface HostProxy {
  readonly take: TakeConnection
  close(): void
}
