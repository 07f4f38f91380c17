/**
 * macOS: a profile for sandbox-exec(1), which starts from "nothing is allowed". Limits are those of the shell; memory and processes are watched by nobody. Written from Apple's profiles
 * in /System/Library/Sandbox/Profiles and those of other sandboxes; its text is tested, it was not run.
 */
import { existsSync } from 'node:fs'
import { platform } from 'node:process'
import { AppError } from '../contracts/errors.ts'
import type { SandboxRun } from '../contracts/sandbox.ts'
import type { Launch } from './launch.ts'

const SANDBOX_EXEC = '/usr/bin/sandbox-exec'
/** What the dynamic linker and system programs read. Homes lie in none of them. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/System',
  '/Library/Apple',
  '/Library/Frameworks',
  '/Library/Developer',
  '/opt/homebrew',
  '/private/etc/ssl',
  '/private/var/db/dyld',
]
const FILES = [
  '/private/etc/localtime',
  '/private/etc/services',
  '/private/etc/protocols',
  '/dev/zero',
  '/dev/random',
  '/dev/urandom',
  '/private/var/db/timezone',
]

export function seatbelt(run: SandboxRun): Launch {
  if (platform !== 'darwin' || !existsSync(SANDBOX_EXEC)) throw new AppError('sandbox/unavailable', `${SANDBOX_EXEC} is not here`)
  if (run.connect !== null) throw new AppError('sandbox/unavailable', 'Seatbelt cannot let a program reach one host alone')
  return {
    command: SANDBOX_EXEC,
    args: ['-p', seatbeltProfile(run), '/bin/sh', '-c', LIMITED, 'sh', ...shellLimits(run), run.program, ...run.args],
    env: run.env,
    input: null,
    handsOutListener: false,
  }
}

const LIMITED = 'ulimit -c 0 && ulimit -t "$1" && ulimit -f "$2" && ulimit -n 256 && ulimit -u "$3" && shift 3 && exec "$@"'

function shellLimits({ limits }: SandboxRun): readonly string[] {
  return [Math.ceil(limits.timeoutMs / 1000) + 1, Math.ceil(limits.maxFileBytes / 512), limits.maxProcesses + 256].map(String)
}

export function seatbeltProfile({ writable, readable, pinned, program }: Pick<SandboxRun, 'writable' | 'readable' | 'pinned' | 'program'>): string {
  const subpaths = (paths: readonly string[]) => paths.map((path) => `(subpath ${quote(path)})`).join(' ')
  const literals = (paths: readonly string[]) => paths.map((path) => `(literal ${quote(path)})`).join(' ')
  return [
    '(version 1)',
    '(deny default)',
    '(deny network*)',
    '(allow process-fork)',
    '(allow signal (target same-sandbox))',
    '(allow process-info* (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow file-read-metadata)',
    `(allow file-read* process-exec ${subpaths([...SYSTEM, ...readable, ...writable])} ${literals([program])})`,
    `(allow file-read* ${literals(FILES)})`,
    `(allow file-read* file-write-data ${literals(['/dev/null', '/dev/zero'])})`,
    ...(writable.length === 0 ? [] : [`(allow file-write* ${subpaths(writable)})`]),
    ...(pinned.length === 0 ? [] : [`(deny file-write* ${literals(pinned.map(({ path }) => path))})`]),
    '(deny file-write-setugid)',
  ].join('\n')
}

/** Inside quotes, a quote and a backslash are the only characters with a meaning; what would break a line is refused. */
function quote(path: string): string {
  if (/[\0\r\n]/.test(path)) throw new AppError('sandbox/unavailable', 'a path with a line break cannot be described to Seatbelt')
  return `"${path.replaceAll(/[\\"]/g, String.raw`\$&`)}"`
}
