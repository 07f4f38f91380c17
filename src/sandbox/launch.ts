/** How a backend starts one run: what is spawned in place of the program, and what is given to it. */
import type { SandboxRun } from '../contracts/sandbox.ts'

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Read by what is spawned at descriptor 3. */
  readonly input: Uint8Array | null
  /** Whether a listener for the proxy is handed out over a channel at descriptor 4. */
  readonly handsOutListener: boolean
}

export type Prepare = (run: SandboxRun) => Launch

/** Addresses that a program needs however little memory it uses: the runtime of JavaScript reserves gigabytes. What it really uses is watched. */
const ADDRESS_SPACE = 4 * 1024 ** 3
const OPEN_FILES = 256

/** Limits of each process, by the names of prlimit(1). */
export function processLimits({
  limits,
}: Pick<SandboxRun, 'limits'>): Readonly<Record<'cpu' | 'as' | 'nofile' | 'fsize' | 'core' | 'memlock' | 'msgqueue', number>> {
  return {
    cpu: Math.ceil(limits.timeoutMs / 1000) + 1,
    as: Math.max(ADDRESS_SPACE, 2 * limits.memoryBytes),
    nofile: OPEN_FILES,
    fsize: limits.maxFileBytes,
    core: 0,
    memlock: 64 * 1024,
    msgqueue: 0,
  }
}

/** What the proxy inside listens on; nothing else has this loopback. */
export const PROXY_PORT = 3128

export const PRLIMIT = '/usr/bin/prlimit'
