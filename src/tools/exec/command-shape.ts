/**
 * What `always` covers. For a program that only reads what it is given: that program, its options word for word, and any other file of the workspace in place of one. For everything
 * else the very same command alone, with the same files, input and hosts: an interpreter or a wrapper does what its arguments say.
 */
import type { JsonValue } from '../../contracts/json.ts'
import { commandBinding, type ExecInput } from './input.ts'
import { isReader } from './programs.ts'

export function commandShape(input: ExecInput, binding: JsonValue): JsonValue {
  const { program, cwd, files, stdin, writable, hosts, secrets, sandbox } = commandBinding.parse(binding)
  const common = { program: program.path, sha256: program.sha256, env: { ...input.env }, writable, sandbox, timeoutMs: input.timeoutMs ?? null }
  if (!isReader(program.path, program.file) || hosts.length > 0 || input.stdin !== undefined) {
    return { ...common, argv: input.argv, cwd: cwd.path, files: files.map(({ path, sha256 }) => ({ path, sha256 })), stdin, hosts, secrets }
  }
  const isOperand = (text: string, index: number) =>
    // What follows an option may be its value.
    !text.startsWith('-') &&
    input.argv[index - 1]?.startsWith('-') !== true &&
    files.some(({ argument }) => argument === index) &&
    !text.includes('=') &&
    !text.startsWith('@')
  return { ...common, argv: input.argv.map((text, index) => (index > 0 && isOperand(text, index) ? { file: 'any' } : text)), cwd: cwd.path }
}
