import { AppError } from '../../contracts/errors.ts'
import { defineCommand } from '../command.ts'
import { gatewayOptions } from '../option.ts'
import { exitCodes } from '../exit-codes.ts'
import { target, withGateway } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'chat',
  summary: 'Chat on the terminal',
  details:
    'Goes on in session `cli-chat`. Where no gateway runs, it serves itself until you leave. Without a terminal, every line of standard input is a message.',
  options: {
    session: { type: 'string', short: 's', value: 'KEY', description: 'Go on in this session' },
    new: { type: 'boolean', description: 'Begin a new session' },
    model: { type: 'string', short: 'm', value: 'NAME', description: 'Model (`provider:model`) or route' },
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara chat', does: 'Goes on where you left' },
    { command: 'cara chat --new --model openai:gpt-5.5', does: 'Begins a session with this model' },
  ],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  async run(context, parsed) {
    const sessionKey = parsed.text('session')
    const model = parsed.text('model')
    const isNew = parsed.flag('new')
    if (isNew && sessionKey !== undefined) throw new AppError('cli/usage', '--new and --session exclude each other', { hint: 'leave one of them out' })
    const { chat } = await import('../chat.ts')
    await withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, (client) =>
      chat(context, client, { isNew, ...(sessionKey === undefined ? {} : { sessionKey }), ...(model === undefined ? {} : { model }) }),
    )
    return exitCodes.ok
  },
})
