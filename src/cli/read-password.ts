/** A password, typed unseen or as a line of standard input; never from the command line, which others can see. */
import { AppError } from '../contracts/errors.ts'
import type { CliContext } from './context.ts'

type Io = Pick<CliContext, 'io'>

export async function readNewPassword({ io }: Io): Promise<string> {
  if (!io.isInputTerminal) return readPassword({ io })
  const first = await ask(io, 'Password (12 characters or more)')
  if ((await ask(io, 'Once more')) !== first) throw new AppError('cli/usage', 'these are two different passwords')
  return first
}

export async function readPassword({ io }: Io): Promise<string> {
  return io.isInputTerminal ? ask(io, 'Password') : (await readLine(io.input)).replace(/\r$/, '')
}

async function ask(io: CliContext['io'], message: string): Promise<string> {
  const { terminalQuestions } = await import('./setup/questions.ts')
  return (await terminalQuestions(io)).text({ message, isRequired: true, isSecret: true, flag: 'standard input' })
}

const MAX_LINE = 4096

async function readLine(input: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const piece = Buffer.from(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : '')
    chunks.push(piece)
    bytes += piece.length
    if (piece.includes(10) || bytes > MAX_LINE) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_LINE).toString('utf8').split('\n', 1)[0] ?? ''
}
