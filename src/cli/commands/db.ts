import { type CommandGroup, defineCommand } from '../command.ts'
import type { DatabaseInfo } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, painter, printJson, table } from '../output.ts'
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
      const { dbPruneResult } = await import('../../contracts/ws/data.ts')
      const result = understood(dbPruneResult, await client.call('db.prune'))
      const rows = Object.entries(result.forgotten)
      if (parsed.flag('json')) printJson(context.io, result)
      else if (rows.length === 0) context.io.write('nothing was old enough\n')
      else for (const [name, count] of rows) context.io.write(`${clean(name)}: ${count}\n`)
      return exitCodes.ok
    })
  },
})

const check = defineCommand({
  name: 'check',
  summary: 'Whether the database is sound',
  details:
    'The engine looks at every page and index; then what must hold between the rows is looked for: ended turns have results, lines their conversation, questions their turn,\nwrites their copies, and no conversation is marked as having seen less than its lines show. Changes nothing, and works while the gateway runs. Ends with 1 when something\nis wrong.',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara db check', does: 'Checks the whole database' }],
  exitCodes: [exitCodes.failed, exitCodes.config],
  async run(context, parsed) {
    const { problems, ...info } = await context.services.checkDatabase()
    const isSound = problems.length === 0
    const paint = painter(context.io)
    if (parsed.flag('json')) printJson(context.io, { sound: isSound, problems, ...info })
    else if (isSound) context.io.write(`${paint.green('sound:')} ${headOf(info)}\n`)
    else {
      for (const problem of problems) context.io.write(`${paint.red('wrong:')} ${oneLine(problem, 600)}\n`)
      context.io.write('next step: stop the gateway and restore a backup: cara restore FILE --force\n')
    }
    return isSound ? exitCodes.ok : exitCodes.failed
  },
})

const info = defineCommand({
  name: 'info',
  summary: 'What the database holds, and for how long',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara db info', does: 'Rows of each table, and when they are forgotten' }],
  exitCodes: [exitCodes.config],
  async run(context, parsed) {
    const found = await context.services.databaseInfo()
    if (parsed.flag('json')) {
      printJson(context.io, found)
      return exitCodes.ok
    }
    context.io.write(`${headOf(found)}\n`)
    table(
      context.io,
      ['table', 'rows', 'kept'],
      found.tables.map((each) => [each.table, String(each.rows), each.kept]),
    )
    for (const { file, bytes } of found.backups) context.io.write(`from before an upgrade: ${clean(file)} (${kilobytes(bytes)})\n`)
    return exitCodes.ok
  },
})

function headOf({ engine, schema, newest, bytes, texts }: DatabaseInfo): string {
  const version = schema === newest ? `schema ${schema}` : `schema ${schema} (the next start makes it ${newest})`
  return `${engine}, ${kilobytes(bytes)}, ${version}, texts ${texts}`
}

const kilobytes = (bytes: number) => `${Math.ceil(bytes / 1024)} kB`

export const group: CommandGroup = { name: 'db', summary: 'The database: what it holds, whether it is sound', commands: [check, info, prune] }
