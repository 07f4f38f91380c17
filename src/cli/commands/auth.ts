import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readNewPassword } from '../read-password.ts'

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
    await context.services.setPassword(await readNewPassword(context))
    context.io.write('The password is set; sessions that were open have ended\n')
    return exitCodes.ok
  },
})

export const group: CommandGroup = { name: 'auth', summary: 'How people log in', commands: [password] }
