import { AppError } from '../../contracts/errors.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'

const password = defineCommand({
  name: 'password',
  summary: 'Set the password by which a browser logs in',
  details:
    'Asks for it on a terminal, else reads a line from standard input; never from the command line, which others can see. Kept as an Argon2id hash. A new password, like a\nremoved one, ends every session within a second.',
  options: { remove: { type: 'boolean', description: 'No password opens the gateway any more' } },
  positionals: [],
  examples: [
    { command: 'cara auth password', does: 'Asks for it twice' },
    { command: 'cara auth password --remove', does: 'Back to the token alone' },
  ],
  exitCodes: [exitCodes.failed],
  async run(context, parsed) {
    if (parsed.flag('remove')) {
      await context.services.setPassword(null)
      context.io.write('No password opens the gateway any more\n')
      return exitCodes.ok
    }
    await context.services.setPassword(await readPassword(context))
    context.io.write('The password is set; sessions that were open have ended\n')
    return exitCodes.ok
  },
})

async function readPassword({ io }: CliContext): Promise<string> {
  if (!io.isInputTerminal) return (await readLine(io.input)).replace(/\r$/, '')
  const { terminalQuestions } = await import('../setup/questions.ts')
  const questions = await terminalQuestions(io)
  const ask = (message: string) => questions.text({ message, isRequired: true, isSecret: true, flag: 'standard input' })
  const first = await ask('Password (12 characters or more)')
  if ((await ask('Once more')) !== first) throw new AppError('cli/usage', 'these are two different passwords')
  return first
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

export const group: CommandGroup = { name: 'auth', summary: 'How people log in', commands: [password] }
