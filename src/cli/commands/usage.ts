import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { dollars, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'usage',
  summary: 'Tokens and cost',
  options: {
    by: { type: 'string', choices: ['day', 'model', 'session'], default: 'day', description: 'How to group' },
    days: { type: 'number', value: 'N', default: 30, description: 'How many days back' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara usage', does: 'Day by day, the last 30 days' },
    { command: 'cara usage --by model --days 7', does: 'Which model cost what this week' },
  ],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { usageStatusResult } = await import('../../contracts/ws/usage.ts')
      const usage = understood(usageStatusResult, await client.call('usage.status', { by: parsed.text('by'), days: parsed.number('days') }))
      if (parsed.flag('json')) {
        printJson(context.io, usage)
        return exitCodes.ok
      }
      const rows = [...usage.rows, { group: 'total', ...usage.totals }]
      context.io.write(`since ${time(usage.since)} UTC\n`)
      table(
        context.io,
        [usage.by, 'turns', 'tokens in', 'cached', 'tokens out', 'cost'],
        rows.map((row) => [
          row.group,
          String(row.turns),
          String(row.usage.inputTokens),
          String(row.usage.cacheReadTokens),
          String(row.usage.outputTokens),
          row.unpricedTurns === 0 ? dollars(row.costUsd) : `${dollars(row.costUsd)} + ${row.unpricedTurns} turns without a price`,
        ]),
      )
      return exitCodes.ok
    })
  },
})
