import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, printJson } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const prune = defineCommand({
  name: 'prune',
  summary: 'Forget now what is older than the configuration says',
  details: 'A gateway that runs does this by itself, every hour, in small steps. What is kept for how long is under `retention`.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara db prune', does: 'Forgets what `retention` says' }],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { dbPruneResult } = await import('../../contracts/ws-results.ts')
      const result = understood(dbPruneResult, await client.call('db.prune'))
      const rows = Object.entries(result.forgotten)
      if (parsed.flag('json')) printJson(context.io, result)
      else if (rows.length === 0) context.io.write('nothing was old enough\n')
      else for (const [table, count] of rows) context.io.write(`${clean(table)}: ${count}\n`)
      return exitCodes.ok
    })
  },
})

export const group: CommandGroup = { name: 'db', summary: 'The database: what it holds, whether it is sound', commands: [prune] }
