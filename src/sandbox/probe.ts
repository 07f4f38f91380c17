/** Runs inside a sandbox and tries to get out of it, the quick ways. Tells on its output which of them were open. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import ffi from 'node:ffi'
import { arch } from 'node:process'
import { JUDGED, LAUNCHER, REFUSED, REFUSED_WITHOUT_NAMESPACES, UNKNOWN, isArchitecture, numberOf } from './system-calls.ts'

export interface ProbeInput {
  readonly stateDir: string
  readonly home: string
  /** The process that asked for the probe, outside. */
  readonly outside: number
  /** Of a listener outside, on the loopback of IPv4. */
  readonly port: number
}

const NUMBERS = { ...LAUNCHER, ...REFUSED_WITHOUT_NAMESPACES, ...REFUSED, ...UNKNOWN, ...JUDGED }
/** What the sandbox sets, and what bubblewrap adds. */
const GIVEN = new Set(['HOME', 'PATH', 'LANG', 'TERM', 'PWD'])
const NEW_USER = 0x1000_0000
const AF_INET = 2
const SOCK_STREAM = 1
const PTRACE_SEIZE = 0x4206
const CAPABILITY_VERSION = 0x2008_0522

const { functions: libc } = ffi.dlopen(null, { syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' } })

function call(name: keyof typeof NUMBERS, ...args: readonly (number | bigint | Buffer)[]): number {
  const number = isArchitecture(arch) ? numberOf(NUMBERS[name], arch) : null
  if (number === null) return -1
  const value = (index: number) => {
    const arg = args[index] ?? 0
    return Buffer.isBuffer(arg) ? ffi.getRawPointer(arg) : BigInt(arg)
  }
  return Number(libc.syscall(BigInt(number), value(0), value(1), value(2), value(3), value(4), value(5)))
}

/** By what would be lost, whether a way to it is open. Order: the harmless first. */
function ways({ stateDir, home, outside, port }: ProbeInput): Readonly<Record<string, readonly (() => boolean)[]>> {
  const text = (value: string) => Buffer.from(`${value}\0`)
  return {
    'the state folder': [() => readdirSync(stateDir).some((name) => name !== 'workspace'), () => written(`${stateDir}/sandbox-probe`)],
    'the home': [() => readdirSync(home).length > 0 && !stateDir.startsWith(`${home}/`), () => written(`${home}/.sandbox-probe`)],
    passwords: [() => readFileSync('/etc/shadow').length > 0, () => readFileSync('/etc/passwd').length > 0],
    environment: [() => Object.keys(process.env).some((name) => !GIVEN.has(name))],
    'the network of this machine': [() => connects(port)],
    'other processes': [() => process.kill(outside, 0), () => readFileSync(`/proc/${outside}/status`).length > 0],
    tracing: [() => call('ptrace', PTRACE_SEIZE, outside, 0, 0) === 0],
    namespaces: [() => call('unshare', NEW_USER) === 0],
    mounts: [
      () => call('mount', text('none'), text('.'), text('tmpfs'), 0, 0) === 0 && call('umount2', text('.'), 2) === 0,
      () => call('chroot', text('.')) === 0,
    ],
    rights: [hasCapabilities],
    'interfaces of the kernel': [
      () => call('io_uring_setup', 4, Buffer.alloc(120)) >= 0,
      () => call('keyctl', 0, -3, 0) >= 0,
      () => call('userfaultfd', 0) >= 0,
      () => call('bpf', 0, Buffer.alloc(72), 72) >= 0,
    ],
  }
}

function written(path: string): boolean {
  writeFileSync(path, '', { flag: 'wx' })
  rmSync(path)
  return true
}

function connects(port: number): boolean {
  const socket = call('socket', AF_INET, SOCK_STREAM, 0)
  if (socket < 0) return false
  const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  return call('connect', socket, address, address.length) === 0
}

function hasCapabilities(): boolean {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(CAPABILITY_VERSION, 0)
  const data = Buffer.alloc(24)
  return call('capget', header, data) === 0 && data.some((byte) => byte !== 0)
}

function isOpen(way: () => boolean): boolean {
  try {
    return way()
  } catch {
    return false
  }
}

if (process.argv[2] === 'probe') {
  const input: ProbeInput = JSON.parse(process.argv[3] ?? '')
  const found = Object.entries(ways(input)).map(([name, all]) => ({ name, isOpen: all.some(isOpen) }))
  process.stdout.write(JSON.stringify(found))
}
