import { defineCommand } from '../command.ts'
import type { Finding } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, painter, printJson } from '../output.ts'

export const command = defineCommand({
  name: 'doctor',
  summary: 'Check the machine, the state folder, the configuration and the models',
  details: 'Needs no gateway. Ends with 1 when something does not work; warnings alone are fine.',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara doctor', does: 'Every check on a line, with what to do about it' }],
  async run(context, parsed) {
    const findings = await context.services.doctor()
    const code = findings.some((finding) => finding.status === 'fail') ? exitCodes.failed : exitCodes.ok
    if (parsed.flag('json')) {
      printJson(context.io, { findings })
      return code
    }
    const paint = painter(context.io)
    const color: Readonly<Record<Finding['status'], (text: string) => string>> = { pass: paint.green, warn: paint.yellow, fail: paint.red }
    for (const finding of findings) {
      context.io.write(`${color[finding.status](`[${finding.status.toUpperCase()}]`)} ${clean(finding.name)}: ${clean(finding.detail)}\n`)
      if (finding.next !== undefined) context.io.write(`       next step: ${clean(finding.next)}\n`)
    }
    return code
  },
})
