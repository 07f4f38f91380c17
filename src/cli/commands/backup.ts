import { AppError } from '../../contracts/errors.ts'
import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, oneLine, printJson } from '../output.ts'

export const command = defineCommand({
  name: 'backup',
  summary: 'Everything of this installation in one file',
  details:
    'Database, configuration, copies for undo and audit trail, as they are at one moment, while the gateway runs. The keys that open sealed secrets go in only with a file that\nis sealed itself, unless --keys says otherwise. A password comes from CARAPACE_BACKUP_PASSWORD, from a prompt, or from a line of standard input; never from the\ncommand line. Without it, nothing opens a sealed backup.',
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', description: 'The file, which must not be there yet; by default carapace-DATE.backup in this folder' },
    encrypt: { type: 'boolean', description: 'Seal it with a password' },
    keys: { type: 'string', choices: ['auto', 'with', 'without'], default: 'auto', description: 'Whether the keys go in; `auto` is with --encrypt only' },
    json: jsonOption,
  },
  positionals: [],
  examples: [
    { command: 'cara backup --encrypt -o carapace.backup', does: 'Everything, keys included, behind a password' },
    { command: 'cara backup', does: 'Without the keys, for this installation' },
  ],
  exitCodes: [exitCodes.failed, exitCodes.config],
  async run(context, parsed) {
    const isSealed = parsed.flag('encrypt')
    const choice = parsed.text('keys')
    const report = await context.services.backUp({
      output: parsed.text('output') ?? `carapace-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.backup`,
      keys: choice === 'auto' ? isSealed : choice === 'with',
      password: isSealed ? await newPassword() : null,
    })
    if (parsed.flag('json')) printJson(context.io, report)
    else {
      context.io.write(`written: ${clean(report.file)} (${Math.ceil(report.bytes / 1024)} kB, readable by you alone${report.sealed ? ', sealed' : ''})\n`)
      for (const each of report.holds) context.io.write(`holds: ${oneLine(each)}\n`)
      for (const each of report.lacks) context.io.write(`does not hold: ${oneLine(each)}\n`)
    }
    return exitCodes.ok

    async function newPassword(): Promise<string> {
      const given = context.env['CARAPACE_BACKUP_PASSWORD'] ?? ''
      const { readNewPassword } = await import('../read-password.ts')
      const password = given === '' ? await readNewPassword(context) : given
      if (password.length < LEAST_PASSWORD) throw new AppError('cli/usage', `a password of a backup has at least ${LEAST_PASSWORD} characters`)
      return password
    }
  },
})

/** Whoever has the file may guess for ever. */
const LEAST_PASSWORD = 12
