import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, oneLine, painter, printJson, table, time } from '../output.ts'

export const command = defineCommand({
  name: 'restore',
  summary: 'Put a backup in the place of what is there',
  details:
    'Reads and checks all of it before anything changes: its form, every hash, the database. Then what is there is replaced as a whole; ended in between, the next start\ncompletes it. Refuses while a gateway runs, and where there is data already unless --force says so.',
  options: {
    force: { type: 'boolean', description: 'Replace what is there, and take a database that is not sound' },
    'dry-run': { type: 'boolean', description: 'Look at all of it and change nothing; a gateway may run' },
    json: jsonOption,
  },
  positionals: [{ name: 'FILE', description: 'As `cara backup` made it', required: true }],
  examples: [
    { command: 'cara restore carapace.backup --dry-run', does: 'Checks it and lists what it holds' },
    { command: 'cara restore carapace.backup --force', does: 'Replaces what is there' },
  ],
  exitCodes: [exitCodes.failed, exitCodes.config],
  async run(context, parsed) {
    const isDry = parsed.flag('dry-run')
    const report = await context.services.restore({
      file: parsed.argument(0),
      force: parsed.flag('force'),
      dryRun: isDry,
      async password() {
        const given = context.env['CARAPACE_BACKUP_PASSWORD'] ?? ''
        const { readPassword } = await import('../read-password.ts')
        return given === '' ? readPassword(context) : given
      },
    })
    if (parsed.flag('json')) {
      printJson(context.io, { restored: !isDry, ...report })
      return exitCodes.ok
    }
    const paint = painter(context.io)
    if (isDry)
      table(
        context.io,
        ['file', 'bytes'],
        report.members.map(({ path, size }) => [path, String(size)]),
      )
    for (const each of report.holds) context.io.write(`holds: ${oneLine(each)}\n`)
    for (const warning of report.warnings) context.io.write(`${paint.yellow('warning:')} ${oneLine(warning, 600)}\n`)
    const made = `of ${time(report.createdAt)} UTC, by carapace ${clean(report.version)}`
    context.io.write(isDry ? `sound: a backup ${made}; nothing was changed\n` : `${paint.green('restored:')} a backup ${made}\n`)
    return exitCodes.ok
  },
})
