import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { oneLine, painter, printJson, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'why',
  summary: 'Why something was refused or asked about, and how to unlock it',
  details: 'Without an argument, the newest refusals. Text that the model or others wrote stands behind `│`.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ name: 'ID', description: 'A refusal, a question, a turn or an effect', required: false }],
  examples: [
    { command: 'cara why', does: 'The newest refusals' },
    { command: 'cara why turn_1k3xq0v2a3f09c2b81d77', does: 'What was refused or asked in this turn' },
  ],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { whyResult } = await import('../../contracts/ws/approvals.ts')
      const { framed } = await import('../approvals/framed.ts')
      const { questionText } = await import('../approvals/question.ts')
      const [id] = parsed.positionals
      const { io } = context
      const found = understood(whyResult, await client.call('why', id === undefined ? {} : { id }))
      if (parsed.flag('json')) {
        printJson(io, found)
        return exitCodes.ok
      }
      const paint = painter(io)
      for (const { id, at, tool, checkpoint, rule, why, evidence, hint } of found.refusals) {
        io.write(`${paint.bold(`${oneLine(tool ?? checkpoint, 64)} refused by ${oneLine(rule, 64)}`)} ${paint.dim(`${time(at)} UTC  ${oneLine(id, 80)}`)}\n`)
        for (const text of [why, evidence ?? '']) if (text !== '') io.write(`${framed(text, io.columns).join('\n')}\n`)
        if (hint !== null) io.write(`  ${paint.dim('next')}\n${framed(hint, io.columns).join('\n')}\n`)
      }
      for (const approval of found.approvals) io.write(questionText(approval, io, Date.now(), { whole: false }))
      if (found.refusals.length + found.approvals.length === 0) io.write('nothing was refused\n')
      return exitCodes.ok
    })
  },
})
