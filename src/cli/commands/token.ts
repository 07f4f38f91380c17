import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const command = defineCommand({
  name: 'token',
  summary: 'The token of the gateway, for your own programs',
  details:
    'Prints it to standard output. Whoever has it may do everything that the gateway can: hand it over by a variable, not on a command line that others can see.',
  options: { rotate: { type: 'boolean', description: 'Make a new one: the old one opens nothing more, and what came by it is closed' } },
  positionals: [],
  examples: [
    { command: 'OPENAI_API_KEY="$(cara token)" your-program', does: 'Gives it to a program that speaks OpenAI’s API' },
    { command: 'cara token --rotate', does: 'Somebody may have seen it: prints another' },
  ],
  exitCodes: [exitCodes.failed],
  async run(context, parsed) {
    context.io.write(`${await (parsed.flag('rotate') ? context.services.rotateToken() : context.services.token())}\n`)
    return exitCodes.ok
  },
})
