/**
 * Runs one program so that it can hurt nobody: it reads what every program needs and its workspace, writes in its workspace, reaches no network but what `connect` takes, sees no
 * other process, gains no privilege, and ends in time with everything that it started.
 */
import type { Duplex } from 'node:stream'

/** `none` only where the owner said so: nothing of the above holds then, but environment, time and output. */
export type SandboxBackend = 'bubblewrap' | 'landlock' | 'seatbelt' | 'none'

export interface SandboxLimits {
  readonly timeoutMs: number
  /** Of all processes together. */
  readonly memoryBytes: number
  readonly maxProcesses: number
  /** Of standard output and error together. */
  readonly maxOutputBytes: number
  /** Of one file. */
  readonly maxFileBytes: number
  /** That the writable folders may grow by. */
  readonly maxDiskBytes: number
}

/** A file whose bytes were approved: at its path the program finds `copy`, or does not start. */
export interface PinnedFile {
  readonly path: string
  /** A private copy; outside of every folder that a sandbox can write. */
  readonly copy: string
  /** Hex SHA-256. */
  readonly sha256: string
}

export interface SandboxRun {
  /** Absolute; also what the program sees as its own name. */
  readonly program: string
  readonly args: readonly string[]
  /** All of the environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute, links resolved, inside a writable folder. */
  readonly cwd: string
  /** Absolute, links resolved. */
  readonly writable: readonly string[]
  readonly readable: readonly string[]
  readonly pinned: readonly PinnedFile[]
  readonly stdin: string
  /** Takes every TCP connection that the program makes to its HTTP proxy; without it there is no network at all. */
  readonly connect: TakeConnection | null
  readonly limits: SandboxLimits
}

export type TakeConnection = (connection: Duplex) => void

/** Why it ended: by itself, or which limit ended it. */
export type Ended = 'exit' | 'time' | 'memory' | 'processes' | 'output' | 'disk' | 'cancelled'

export interface SandboxOutcome {
  readonly ended: Ended
  /** Null where a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** What was written before the end, as text. */
  readonly stdout: string
  readonly stderr: string
}

/** `run` settles when every process of the run is gone; an abort ends them. Throws `AppError('sandbox/…')` where it could not be started as described. */
export interface Sandbox {
  readonly backend: SandboxBackend
  /** Whether `connect` can be given. */
  readonly hasNetwork: boolean
  run(run: SandboxRun, signal: AbortSignal): Promise<SandboxOutcome>
}
