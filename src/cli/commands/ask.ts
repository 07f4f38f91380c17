import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { target } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'ask',
  summary: 'One question, one answer, for scripts',
  details:
    'Prints the answer as it comes and nothing else; with --json, one object with text, tool calls, usage and cost.\nWhere no gateway runs, it serves itself for the length of the turn.\nWhere a call needs your word, you are asked on a terminal; elsewhere it says what waits and ends with 6: `cara approvals` answers.',
  options: {
    session: { type: 'string', short: 's', value: 'KEY', description: 'Go on in this session; without it nothing is kept' },
    model: { type: 'string', short: 'm', value: 'NAME', description: 'Model (`provider:model`) or route for this turn' },
    wait: { type: 'boolean', description: 'Where nobody can be asked, stay until the turn has ended, whoever answers elsewhere' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [{ name: 'TEXT', description: 'What to ask; `-` reads it from standard input', required: true, rest: true }],
  examples: [
    { command: 'cara ask "What is 17 * 23?"', does: 'Prints the answer' },
    { command: 'git diff | cara ask - --session review', does: 'Asks with what comes in, in a session that is kept' },
    { command: 'cara ask --json "What time is it?"', does: 'Prints text, tool calls, usage and cost as JSON' },
  ],
  exitCodes: [exitCodes.unreachable, exitCodes.config, exitCodes.provider, exitCodes.waiting, exitCodes.cancelled],
  async run(context, parsed) {
    const { ask } = await import('../ask.ts')
    const sessionKey = parsed.text('session')
    const model = parsed.text('model')
    return ask(context, target(parsed.text('host'), parsed.number('port')), {
      words: parsed.positionals,
      isJson: parsed.flag('json'),
      wait: parsed.flag('wait'),
      ...(sessionKey === undefined ? {} : { sessionKey }),
      ...(model === undefined ? {} : { model }),
    })
  },
})
