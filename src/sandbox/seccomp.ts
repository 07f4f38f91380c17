/** The system calls that a sandboxed program may make, as a program for the kernel's filter (classic BPF over `struct seccomp_data`; see seccomp(2)). Little-endian machines only. */
import { JUDGED, NEWEST, REFUSED, REFUSED_WITHOUT_NAMESPACES, UNKNOWN, numberOf, type Architecture } from './system-calls.ts'

const KILL = 0x8000_0000
const ALLOW = 0x7fff_0000
const EPERM = 0x0005_0001
const ENOSYS = 0x0005_0026
const EAFNOSUPPORT = 0x0005_0061

const LOAD = 0x20
const RETURN = 0x06
const IF_EQUAL = 0x15
const IF_GREATER = 0x25
const IF_AT_LEAST = 0x35
const IF_ANY_BIT = 0x45
const AND = 0x54

const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const
/** Calls of the x32 kind have this bit: the same calls under numbers that the list does not name. */
const X32 = 0x4000_0000
/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACES = 0x7e02_0000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c
const TIOCCONS = 0x541d
const PR_SET_PDEATHSIG = 1
const PR_SET_MM = 35
const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const
const SOCK_STREAM = 1
const SOCK_SEQPACKET = 5

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

/** `namespaces`: network, processes and files are hidden already. `alone`: this filter and Landlock are all there is. */
export type Surroundings = 'namespaces' | 'alone'

export function seccompFilter(architecture: Architecture, surroundings: Surroundings): Buffer {
  const program: Instruction[] = [
    [LOAD, 0, 0, 4],
    [IF_EQUAL, 1, 0, AUDIT_ARCH[architecture]],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, 0],
    ...(architecture === 'x64' ? ifTrue([IF_AT_LEAST, X32], KILL) : []),
    ...ifTrue([IF_GREATER, NEWEST], ENOSYS),
  ]
  const numbers = (calls: Readonly<Record<string, readonly [number | null, number | null]>>) =>
    Object.values(calls).flatMap((each) => numberOf(each, architecture) ?? [])
  for (const number of numbers(UNKNOWN)) program.push(...ifTrue([IF_EQUAL, number], ENOSYS))
  for (const number of numbers(REFUSED)) program.push(...ifTrue([IF_EQUAL, number], EPERM))
  if (surroundings === 'alone') for (const number of numbers(REFUSED_WITHOUT_NAMESPACES)) program.push(...ifTrue([IF_EQUAL, number], EPERM))
  for (const [name, body] of judgements(surroundings)) {
    const number = numberOf(JUDGED[name], architecture)
    if (number !== null) program.push([IF_EQUAL, 0, body.length, number], ...body)
  }
  program.push([RETURN, 0, 0, ALLOW])
  return encode(program)
}

/** What decides about a call by its arguments; each body ends in a verdict. Only the low half of an argument counts where the kernel itself looks at no more. */
function judgements(surroundings: Surroundings): readonly (readonly [name: keyof typeof JUDGED, body: readonly Instruction[]])[] {
  const onlyItself = [loadArgument(0), ...ifTrue([IF_EQUAL, 0], ALLOW), refuse(EPERM)]
  return [
    ['clone', [loadArgument(0), ...ifTrue([IF_ANY_BIT, NEW_NAMESPACES], EPERM), allow]],
    ['ioctl', [loadArgument(1), ...[TIOCSTI, TIOCLINUX, TIOCCONS].flatMap((command) => ifTrue([IF_EQUAL, command], EPERM)), allow]],
    ['prctl', [loadArgument(0), ...[PR_SET_PDEATHSIG, PR_SET_MM].flatMap((option) => ifTrue([IF_EQUAL, option], EPERM)), allow]],
    ['prlimit64', onlyItself],
    ['sched_setaffinity', onlyItself],
    ['sched_setscheduler', onlyItself],
    ['sched_setparam', onlyItself],
    ['sched_setattr', onlyItself],
    ['setpriority', ofItself(0)],
    ['ioprio_set', ofItself(1)],
    ['socket', networkSockets],
    ...(surroundings === 'alone' ? [['socketpair', connectedPairs] as const, ['utimensat', byDescriptor] as const] : []),
  ]
}

const allow: Instruction = [RETURN, 0, 0, ALLOW]
const refuse = (verdict: number): Instruction => [RETURN, 0, 0, verdict]
const loadArgument = (index: number): Instruction => [LOAD, 0, 0, 16 + 8 * index]
const loadUpperHalf = (index: number): Instruction => [LOAD, 0, 0, 20 + 8 * index]

/** `which` says that `who` is a process, and zero that it is the caller. */
function ofItself(which: number): readonly Instruction[] {
  return [loadArgument(0), [IF_EQUAL, 1, 0, which], refuse(EPERM), loadArgument(1), ...ifTrue([IF_EQUAL, 0], ALLOW), refuse(EPERM)]
}

/** Families that stay inside a network namespace; of netlink, what lists interfaces. Others (vsock above all) know no namespace, or nobody needs them. */
const networkSockets: readonly Instruction[] = [
  loadArgument(0),
  ...[AF.unix, AF.inet, AF.inet6].flatMap((family) => ifTrue([IF_EQUAL, family], ALLOW)),
  [IF_EQUAL, 1, 0, AF.netlink],
  refuse(EAFNOSUPPORT),
  loadArgument(2),
  ...ifTrue([IF_EQUAL, 0], ALLOW),
  refuse(EAFNOSUPPORT),
]

/** A pair of datagram sockets could be connected anew to somebody else's. */
const connectedPairs: readonly Instruction[] = [
  loadArgument(1),
  [AND, 0, 0, 0xf],
  ...[SOCK_STREAM, SOCK_SEQPACKET].flatMap((type) => ifTrue([IF_EQUAL, type], ALLOW)),
  refuse(EPERM),
]

/** Without a path, it is about an open file. */
const byDescriptor: readonly Instruction[] = [
  loadArgument(1),
  [IF_EQUAL, 1, 0, 0],
  refuse(EPERM),
  loadUpperHalf(1),
  ...ifTrue([IF_EQUAL, 0], ALLOW),
  refuse(EPERM),
]

function ifTrue([code, value]: readonly [code: number, value: number], verdict: number): readonly Instruction[] {
  return [
    [code, 0, 1, value],
    [RETURN, 0, 0, verdict],
  ]
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(ifTrue, index * 8 + 2)
    bytes.writeUInt8(ifFalse, index * 8 + 3)
    bytes.writeUInt32LE(value, index * 8 + 4)
  }
  return bytes
}
