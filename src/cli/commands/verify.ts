import { defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, painter, printJson } from '../output.ts'
import { target } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'verify',
  summary: 'Try whether it works, end to end',
  details:
    'Each check prints [PASS], [FAIL] or [SKIP] with what was found, and the next step where there is one. `auto` tries every outcome that is set up; `local-chat` asks the\nmodel one question through the gateway. Where no gateway runs, it serves itself for the length of the checks.',
  options: {
    outcome: { type: 'string', choices: ['auto', 'local-chat'], default: 'auto', description: 'What to try' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara verify', does: 'Tries what is set up' },
    { command: 'cara verify --outcome local-chat --json', does: 'One question, as JSON' },
  ],
  exitCodes: [],
  async run(context, parsed) {
    const { runChecks } = await import('../checks.ts')
    const checks = await runChecks(context, target(parsed.text('host'), parsed.number('port')), (check) => {
      if (!parsed.flag('json')) printCheck(context, check)
    })
    const failed = checks.some((check) => check.status === 'fail')
    const outcome = failed ? 'failed' : checks.some((check) => check.status === 'skip') ? 'passed with skipped checks' : 'passed'
    if (parsed.flag('json')) printJson(context.io, { outcome, checks })
    else context.io.write(`${outcome}\n`)
    return failed ? exitCodes.failed : exitCodes.ok
  },
})

function printCheck(
  context: CliContext,
  check: { readonly name: string; readonly status: 'pass' | 'fail' | 'skip'; readonly detail: string; readonly next?: string },
): void {
  const paint = painter(context.io)
  const color = { pass: paint.green, fail: paint.red, skip: paint.yellow }[check.status]
  context.io.write(`${color(`[${check.status.toUpperCase()}]`)} ${check.name}: ${clean(check.detail)}\n`)
  if (check.next !== undefined) context.io.write(`       next step: ${clean(check.next)}\n`)
}
