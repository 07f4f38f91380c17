import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, printJson, table } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const codes = [exitCodes.unreachable, exitCodes.config]

const list = defineCommand({
  name: 'list',
  summary: 'Destinations that are configured',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara messages list', does: 'Name, form and host of each destination' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { messagesListResult } = await import('../../contracts/ws/messages.ts')
      const found = understood(messagesListResult, await client.call('messages.list'))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.destinations.length === 0) context.io.write('none is configured: cara config set messages.destinations.NAME.url https://…\n')
      else {
        const rows = found.destinations.map((one) => [one.name, one.kind, one.format, one.host, one.signed ? 'signed' : ''])
        table(context.io, ['name', 'kind', 'format', 'host', ''], rows)
      }
      return exitCodes.ok
    })
  },
})

const test = defineCommand({
  name: 'test',
  summary: 'Send a test message',
  details: 'Delivers a fixed text as the running gateway would deliver any other, and says whether the receiver took it. Why it did not is in `cara logs`.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ name: 'NAME', description: 'A destination, as `cara messages list` shows it', required: true }],
  examples: [{ command: 'cara messages test team-chat', does: 'Tries the destination team-chat' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { messagesTestResult } = await import('../../contracts/ws/messages.ts')
      const sent = understood(messagesTestResult, await client.call('messages.test', { to: parsed.argument(0) }))
      if (parsed.flag('json')) printJson(context.io, sent)
      else if (sent.status === 'sent') context.io.write(`delivered to ${clean(sent.to)} (${clean(sent.host)}) in ${sent.ms} ms\n`)
      else context.io.write(`not delivered yet: ${clean(sent.why ?? 'others go before it')}; it is tried again for two minutes\n`)
      return sent.status === 'sent' ? exitCodes.ok : exitCodes.failed
    })
  },
})

export const group: CommandGroup = { name: 'messages', summary: 'Places that messages may be sent to', commands: [list, test] }
