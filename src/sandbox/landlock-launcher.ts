/**
 * Started in place of a program: drops what this process may do for good, then becomes the program. Rights are dropped by thread; the one that goes on is this one. Whatever cannot
 * be dropped ends it with code 126 before the program runs.
 */
import { createHash } from 'node:crypto'
import { closeSync, readFileSync, statSync } from 'node:fs'
import ffi from 'node:ffi'
import { seccompFilter } from './seccomp.ts'
import { PRLIMIT } from './launch.ts'
import { LAUNCHER, numberOf, type Architecture } from './system-calls.ts'

export interface LauncherInput {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly readable: readonly string[]
  readonly writable: readonly string[]
  readonly pinned: readonly { readonly path: string; readonly sha256: string }[]
  readonly limits: Readonly<Record<'cpu' | 'as' | 'nofile' | 'fsize' | 'core' | 'memlock' | 'msgqueue', number>>
  readonly architecture: Architecture
}

/** The first version of Landlock that keeps signals and abstract sockets inside. */
const LEAST_VERSION = 6
const EXECUTE = 1n
const READ = 4n | 8n
/** Rights that a file itself can have: write, read, execute, truncate; folders have all but those to make devices and sockets. */
const OF_FILES = 1n | 2n | 4n | (1n << 14n)
const WRITE = 0xffffn & ~(1n << 6n) & ~(1n << 9n) & ~(1n << 11n) & ~(1n << 15n)
const ALL = 0xffffn
const BIND_AND_CONNECT = 3n
const SIGNALS_AND_SOCKETS = 3n
const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000
const PR = { deathSignal: 1, dropFromBound: 24, securebits: 28, noNewPrivileges: 38 } as const
/** No root, no fix-up by changing user, no kept and no ambient capabilities; each of them locked. */
const SECUREBITS = 0b1110_1111
const RLIMIT = { cpu: 0, fsize: 1, core: 4, nofile: 7, memlock: 8, msgqueue: 12 } as const
const SIGKILL = 9
const SIGPIPE = 13
const CAPABILITY_VERSION = 0x2008_0522

class Unrestricted extends Error {}

const { functions: libc } = ffi.dlopen(null, {
  syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
  setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
  open: { arguments: ['string', 'i32'], return: 'i32' },
  prctl: { arguments: ['i32', 'i64', 'i64', 'i64', 'i64'], return: 'i32' },
  signal: { arguments: ['i32', 'i64'], return: 'i64' },
})

function call(name: keyof typeof LAUNCHER, architecture: Architecture, ...args: readonly (number | bigint)[]): number {
  const number = numberOf(LAUNCHER[name], architecture)
  if (number === null) throw new Unrestricted(name)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args
  return Number(libc.syscall(BigInt(number), BigInt(a), BigInt(b), BigInt(c), BigInt(d), BigInt(e), BigInt(f)))
}

function must(what: string, isDone: boolean): void {
  if (!isDone) throw new Unrestricted(what)
}

function launch(input: LauncherInput): never {
  // What was approved is what is there; nobody inside can change it before the program opens it.
  for (const { path, sha256 } of input.pinned) must(`${path} is what was approved`, createHash('sha256').update(readFileSync(path)).digest('hex') === sha256)
  process.chdir(input.cwd)
  const { architecture } = input
  const ruleset = describeRules(input)
  for (const [name, value] of Object.entries(input.limits)) if (name !== 'as') limit(name, value)
  dropCapabilities(architecture)
  must('no new privileges', libc.prctl(PR.noNewPrivileges, 1n, 0n, 0n, 0n) === 0)
  must('die with the gateway', libc.prctl(PR.deathSignal, BigInt(SIGKILL), 0n, 0n, 0n) === 0)
  must('landlock_restrict_self', call('landlock_restrict_self', architecture, ruleset, 0) === 0)
  libc.signal(SIGPIPE, 0n)
  const filter = seccompFilter(architecture, 'alone')
  const program = Buffer.alloc(16)
  program.writeUInt16LE(filter.length / 8, 0)
  program.writeBigUInt64LE(ffi.getRawPointer(filter), 8)
  must('seccomp', call('seccomp', architecture, 1, 0, ffi.getRawPointer(program)) === 0)
  if (process.execve === undefined) throw new Unrestricted('execve')
  // This runtime has reserved more addresses than a program may have: the last limit is for after it.
  return process.execve(PRLIMIT, [PRLIMIT, `--as=${input.limits.as}`, input.program, ...input.args], { ...input.env })
}

function describeRules({ readable, writable, architecture }: LauncherInput): number {
  const version = call('landlock_create_ruleset', architecture, 0, 0, 1)
  must(`Landlock of version ${LEAST_VERSION}`, version >= LEAST_VERSION)
  const attributes = Buffer.alloc(24)
  attributes.writeBigUInt64LE(ALL, 0)
  attributes.writeBigUInt64LE(BIND_AND_CONNECT, 8)
  attributes.writeBigUInt64LE(SIGNALS_AND_SOCKETS, 16)
  const ruleset = call('landlock_create_ruleset', architecture, ffi.getRawPointer(attributes), attributes.length, 0)
  must('landlock_create_ruleset', ruleset >= 0)
  for (const path of readable) permit(ruleset, path, READ | EXECUTE, architecture)
  for (const path of writable) permit(ruleset, path, WRITE, architecture)
  return ruleset
}

function permit(ruleset: number, path: string, rights: bigint, architecture: Architecture): void {
  const folder = libc.open(path, O_PATH | O_CLOEXEC)
  must(path, folder >= 0)
  const rule = Buffer.alloc(12)
  rule.writeBigUInt64LE(statSync(path).isDirectory() ? rights : rights & OF_FILES, 0)
  rule.writeInt32LE(folder, 8)
  must(`the rule for ${path}`, call('landlock_add_rule', architecture, ruleset, 1, ffi.getRawPointer(rule), 0) === 0)
}

function limit(name: string, value: number): void {
  const numbers: Readonly<Record<string, number>> = RLIMIT
  const number = numbers[name]
  if (number === undefined) throw new Unrestricted(name)
  const both = Buffer.alloc(16)
  both.writeBigUInt64LE(BigInt(value), 0)
  both.writeBigUInt64LE(BigInt(value), 8)
  must(`the limit ${name}`, libc.setrlimit(number, ffi.getRawPointer(both)) === 0)
}

/** Root without capabilities is an ordinary user who happens to own files. */
function dropCapabilities(architecture: Architecture): void {
  libc.prctl(PR.securebits, BigInt(SECUREBITS), 0n, 0n, 0n)
  for (let capability = 0n; capability < 64n; capability++) libc.prctl(PR.dropFromBound, capability, 0n, 0n, 0n)
  const header = Buffer.alloc(8)
  header.writeUInt32LE(CAPABILITY_VERSION, 0)
  const none = Buffer.alloc(24)
  call('capset', architecture, ffi.getRawPointer(header), ffi.getRawPointer(none))
  const left = Buffer.alloc(24)
  must('reading capabilities', call('capget', architecture, ffi.getRawPointer(header), ffi.getRawPointer(left)) === 0)
  must('no capabilities', left.equals(none))
}

if (process.argv[2] === 'launch') {
  try {
    // Written by the gateway itself; the descriptor is closed before the program could see it.
    const input: LauncherInput = JSON.parse(readFileSync(3, 'utf8'))
    closeSync(3)
    launch(input)
  } catch (error) {
    process.stderr.write(`carapace: the sandbox could not be closed: ${error instanceof Error ? error.message : 'unknown fault'}\n`)
    process.exit(126)
  }
}
