/** Whether a person sits at the other end of a file descriptor. Asks `node:tty` only about character devices: loading that costs more than the question. */
import { fstatSync } from 'node:fs'

export function isTerminalDescriptor(descriptor: number): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false
  } catch {
    return false
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}
