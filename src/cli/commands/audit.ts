import { receiptKinds } from '../../contracts/audit.ts'
import { AppError } from '../../contracts/errors.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, oneLine, painter, printJson, safeJson, time } from '../output.ts'

const verify = defineCommand({
  name: 'verify',
  summary: 'Whether every receipt is there, unchanged and in its order',
  details:
    'Reads the files alone: no gateway, no network. Names file and line of the first fault, and its kind: changed, missing, reordered, truncated, forged-signature or\nwrong-key; ends with 1 then. What it prints as anchor, kept elsewhere, shows later with --anchor that nothing up to it was taken back.',
  options: { anchor: { type: 'string', value: 'SEQ:HASH', description: 'A receipt that must be there, as an earlier run printed it' }, json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara audit verify', does: 'Checks the whole trail' }],
  exitCodes: [exitCodes.failed],
  async run(context, parsed) {
    const verdict = await context.services.auditVerify(parsed.text('anchor') ?? null)
    const { fault, warnings, files, lines, anchor, key } = verdict
    const code = fault === null ? exitCodes.ok : exitCodes.failed
    if (parsed.flag('json')) {
      printJson(context.io, verdict)
      return code
    }
    const paint = painter(context.io)
    for (const warning of warnings) context.io.write(`${paint.yellow('warning:')} ${clean(warning)}\n`)
    if (fault === null) {
      context.io.write(`${paint.green('sound:')} ${lines} receipts in ${files} ${files === 1 ? 'file' : 'files'}, key ${key}\n`)
      if (anchor !== null) context.io.write(`anchor: ${anchor}\n`)
    } else {
      const place = fault.line === null ? fault.file : `${fault.file}:${fault.line}`
      context.io.write(`${paint.red(`${fault.kind}:`)} ${clean(place)}: ${clean(fault.detail)}\n`)
    }
    return code
  },
})

const show = defineCommand({
  name: 'show',
  summary: 'The newest receipts',
  details: 'Shows what is in the files, and checks nothing: that is `cara audit verify`.',
  options: {
    limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many' },
    kind: { type: 'string', value: 'KIND', description: 'Only those of this kind' },
    turn: { type: 'string', value: 'TURN', description: 'Only those of this turn: what was asked, decided and done in it' },
    json: { type: 'boolean', description: 'Print the receipts as JSON, one a line, and errors too' },
  },
  positionals: [],
  examples: [
    { command: 'cara audit show -n 5 --kind effect-intended', does: 'The last five calls of tools that were let through' },
    { command: 'cara audit show --turn turn_1', does: 'What one turn did, under which rules, and what was refused' },
  ],
  async run(context, parsed) {
    const limit = Math.min(Math.max(1, parsed.number('limit')), 100_000)
    const kind = parsed.text('kind') ?? null
    if (kind !== null && !receiptKinds.some((known) => known === kind)) {
      throw new AppError('cli/usage', `there is no receipt of the kind ${oneLine(kind)}`, { hint: `use one of ${receiptKinds.join(', ')}` })
    }
    const receipts = await context.services.auditShow({ limit, kind, turn: parsed.text('turn') ?? null })
    const paint = painter(context.io)
    for (const receipt of receipts) {
      if (parsed.flag('json')) {
        context.io.write(`${safeJson(receipt)}\n`)
        continue
      }
      const { seq, at, kind, prev: _, hash: __, sig: ___, ...facts } = receipt
      const rest = Object.entries(facts).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      context.io.write(`${paint.dim(`${seq} ${time(at)}`)} ${oneLine([kind, ...rest].join(' '), 600)}\n`)
    }
    if (receipts.length === 0 && !parsed.flag('json')) context.io.write('no receipt\n')
    return exitCodes.ok
  },
})

export const group: CommandGroup = { name: 'audit', summary: 'Receipts of what was decided and done', commands: [verify, show] }
