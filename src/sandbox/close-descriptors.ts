/** Descriptors that this process was started with (a terminal multiplexer's, a service manager's) end at the next program: libuv leaves them open to its children. */
import { readFileSync, readdirSync } from 'node:fs'
import { arch, platform } from 'node:process'
import { isArchitecture } from './system-calls.ts'

const CLOSE_RANGE = 436n
const CLOEXEC = 4n
const FIRST = 3n
const LAST = 0xffff_ffffn

export function keepDescriptorsHere(): void {
  if (platform !== 'linux' || !isArchitecture(arch) || !readdirSync('/proc/self/fd').some(isInherited)) return
  const ffi = quietly(() => process.getBuiltinModule('node:ffi'))
  const library = ffi.dlopen(null, { syscall: { arguments: ['i64', 'i64', 'i64', 'i64'], return: 'i64' } })
  library.functions.syscall(CLOSE_RANGE, FIRST, LAST, CLOEXEC)
}

/** Loading it warns every user that it is new. */
function quietly<T>(load: () => T): T {
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  process.emitWarning = () => undefined
  try {
    return load()
  } finally {
    if (before !== undefined) Object.defineProperty(process, 'emitWarning', before)
  }
}

const O_CLOEXEC = 0o2000000

function isInherited(descriptor: string): boolean {
  if (Number(descriptor) < FIRST) return false
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0
  } catch {
    // The one by which the folder was read.
    return false
  }
}
