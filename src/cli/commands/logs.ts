import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions } from '../option.ts'
import { target } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'logs',
  summary: 'Log lines of the gateway',
  options: {
    lines: { type: 'number', short: 'n', value: 'N', default: 50, description: 'How many of the newest lines' },
    follow: { type: 'boolean', short: 'f', description: 'Go on with new lines until Ctrl-C or the end of the gateway' },
    json: { type: 'boolean', description: 'Print the lines as they are written: one JSON object each' },
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara logs -n 200', does: 'The newest 200 lines' },
    { command: 'cara logs -f --json', does: 'Every line from now on, for another program' },
  ],
  exitCodes: [exitCodes.unreachable],
  async run(context, parsed) {
    const { showLogs } = await import('../show-logs.ts')
    const gateway = target(parsed.text('host'), parsed.number('port'))
    return showLogs(context, gateway, { lines: parsed.number('lines'), follow: parsed.flag('follow'), isJson: parsed.flag('json') })
  },
})
