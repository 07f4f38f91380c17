import { type CommandGroup, defineCommand } from '../command.ts'
import type { SecurityFinding } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, painter, printJson } from '../output.ts'

const GRAVE = new Set<SecurityFinding['severity']>(['critical', 'high'])

const audit = defineCommand({
  name: 'audit',
  summary: 'What could be safer on this machine, with a command that mends it',
  details: 'Tries things as well as reading the configuration; needs no gateway. Ends with 1 when something is critical or high.',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara security audit', does: 'Every finding, the gravest first, with its fix' }],
  exitCodes: [exitCodes.failed],
  async run(context, parsed) {
    const { findings, checks } = await context.services.securityAudit()
    const code = findings.some(({ severity }) => GRAVE.has(severity)) ? exitCodes.failed : exitCodes.ok
    if (parsed.flag('json')) {
      printJson(context.io, { findings, checks })
      return code
    }
    const paint = painter(context.io)
    for (const { check, severity, detail, fix } of findings) {
      const color = GRAVE.has(severity) ? paint.red : paint.yellow
      context.io.write(`${color(`[${severity.toUpperCase()}]`)} ${check}: ${clean(detail)}\n       fix: ${clean(fix)}\n`)
    }
    context.io.write(`${checks} checks, ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}\n`)
    return code
  },
})

export const group: CommandGroup = { name: 'security', summary: 'How safe this installation is', commands: [audit] }
