/**
 * Linux namespaces through bubblewrap: own files, processes, network, users; no capabilities; our own filter of system calls. The program sees an empty machine with `/usr`, its
 * workspace, and itself.
 */
import { existsSync } from 'node:fs'
import { arch } from 'node:process'
import { AppError } from '../contracts/errors.ts'
import type { SandboxRun } from '../contracts/sandbox.ts'
import { PRLIMIT, PROXY_PORT, processLimits, type Launch } from './launch.ts'
import { seccompFilter } from './seccomp.ts'
import { isArchitecture } from './system-calls.ts'
import { systemFolders } from './system-folders.ts'

const BWRAP = '/usr/bin/bwrap'
const NODE = '/run/carapace/node'
const USER = '1000'
/** Tell about the machine, and some can be written by who has root's number outside. */
const MASKED = ['kcore', 'keys', 'kallsyms', 'kmsg', 'kpagecount', 'kpageflags', 'kpagecgroup', 'mtrr', 'timer_list', 'sched_debug'].map(
  (name) => `/proc/${name}`,
)
/** Of who has root's number outside, the kernel takes settings without asking for a capability; bubblewrap covers only folders that can be written themselves. */
const READ_ONLY = ['sys', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'driver', 'tty', 'pressure'].map((name) => `/proc/${name}`)
const SCRATCH_BYTES = 64 * 1024 * 1024
const SHARED_MEMORY_BYTES = 16 * 1024 * 1024

export function bubblewrapMissing(): string | null {
  if (!isArchitecture(arch)) return `there is no filter of system calls for ${arch}`
  const missing = [BWRAP, PRLIMIT].find((path) => !existsSync(path))
  return missing === undefined ? null : `${missing} is not installed`
}

export function bubblewrap(run: SandboxRun): Launch {
  const missing = bubblewrapMissing()
  if (missing !== null || !isArchitecture(arch)) throw new AppError('sandbox/unavailable', missing ?? arch)
  const limits = Object.entries(processLimits(run)).map(([name, value]) => `--${name}=${value}`)
  return {
    command: PRLIMIT,
    args: [...limits, BWRAP, ...namespaces(run), '--', ...inside(run)],
    env: {},
    input: seccompFilter(arch, 'namespaces'),
    handsOutListener: run.connect !== null,
  }
}

function namespaces(run: SandboxRun): readonly string[] {
  const { readable, links } = systemFolders()
  const show = (path: string) => ['--ro-bind', path, path]
  return [
    '--unshare-all',
    '--unshare-user',
    '--die-with-parent',
    '--new-session',
    ...pairs({ 'cap-drop': 'ALL', uid: USER, gid: USER, hostname: 'sandbox' }),
    ...readable.flatMap(show),
    ...Object.entries(links).flatMap(([path, target]) => ['--symlink', target, path]),
    ...pairs({ size: String(SCRATCH_BYTES), tmpfs: '/tmp', proc: '/proc' }),
    ...READ_ONLY.flatMap((path) => (existsSync(path) ? show(path) : [])),
    ...MASKED.flatMap((path) => (existsSync(path) ? ['--ro-bind', '/dev/null', path] : [])),
    ...pairs({ dev: '/dev', size: String(SHARED_MEMORY_BYTES), tmpfs: '/dev/shm', 'remount-ro': '/dev' }),
    ...run.readable.flatMap(show),
    ...run.writable.flatMap((path) => ['--bind', path, path]),
    ...run.pinned.flatMap(({ path, copy }) => ['--ro-bind', copy, path]),
    ...(run.connect === null ? [] : ['--ro-bind', process.execPath, NODE]),
    // The root itself is memory: nothing may be kept there.
    ...pairs({ 'remount-ro': '/', chdir: run.cwd, seccomp: '3' }),
    '--clearenv',
    ...Object.entries(run.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...(run.connect === null ? [] : ['--setenv', 'NODE_CHANNEL_FD', '4']),
  ]
}

function pairs(options: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
}

/** Processes are counted from inside, where only those of the sandbox are the user's. */
function inside(run: SandboxRun): readonly string[] {
  const counted = [PRLIMIT, `--nproc=${run.limits.maxProcesses}`, run.program, ...run.args]
  return run.connect === null ? counted : [NODE, '--no-warnings', '-e', LISTEN, ...counted]
}

/** Listens inside, hands the listener out, and becomes the program when it was taken. Nothing of it stays. */
const LISTEN = `
const listener = require('node:net').createServer({ pauseOnConnect: true })
listener.listen(${PROXY_PORT}, '127.0.0.1', () => {
  process.once('message', () => {
    process.disconnect()
    const { NODE_CHANNEL_FD, NODE_CHANNEL_SERIALIZATION_MODE, ...env } = process.env
    process.execve(process.argv[1], process.argv.slice(1), env)
  })
  process.send('listening', listener, { keepOpen: true })
})`
