/** Descriptors that this process was started with (a terminal multiplexer's, a service manager's) end at the next program: libuv leaves them open to its children. */
import { arch, platform } from 'node:process'
import { isArchitecture } from './system-calls.ts'

const CLOSE_RANGE = 436n
const CLOEXEC = 4n
const FIRST = 3n
const LAST = 0xffff_ffffn

export async function keepDescriptorsHere(): Promise<void> {
  if (platform !== 'linux' || !isArchitecture(arch)) return
  const { default: ffi } = await import('node:ffi')
  const library = ffi.dlopen(null, { syscall: { arguments: ['i64', 'i64', 'i64', 'i64'], return: 'i64' } })
  library.functions.syscall(CLOSE_RANGE, FIRST, LAST, CLOEXEC)
}
