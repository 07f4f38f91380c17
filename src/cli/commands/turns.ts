import type * as z from 'zod'
import type { turnsGetResult, turnView } from '../../contracts/ws/turns.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext, GatewayTarget } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { oneLine, painter, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Turn = z.infer<typeof turnView>
type Story = z.infer<typeof turnsGetResult>

const codes = [exitCodes.unreachable, exitCodes.config]
const ID = { name: 'TURN', description: 'The turn, as `cara turns` lists it', required: true } as const
const EXAMPLE = 'turn_1k3xq0v2a3f09c2b81d77'
const MAX_RECEIPTS = 200

function connected(context: CliContext, gateway: GatewayTarget, work: (client: GatewayClient) => Promise<number>): Promise<number> {
  return withGateway(context, { ...gateway, orEmbed: true }, work)
}

const list = defineCommand({
  name: 'list',
  summary: 'Turns and where they stand, newest first',
  details:
    'waiting: for your word (`cara approvals`), or for a model that says when to ask again. left: nobody carries it on; `cara turns resume` does.\nfailed, cancelled: `cara turns resume` goes on where they ended. `cara turns` alone means this.',
  options: {
    open: { type: 'boolean', description: 'Only those that have not ended' },
    session: { type: 'string', value: 'KEY', description: 'Only those of this conversation' },
    limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [{ command: 'cara turns list --open', does: 'What runs or waits, and for what' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { turnsListResult } = await import('../../contracts/ws/turns.ts')
      const session = parsed.text('session')
      const limit = Math.min(Math.max(1, parsed.number('limit')), 1000)
      const query = { limit, open: parsed.flag('open'), ...(session === undefined ? {} : { sessionKey: session }) }
      const found = understood(turnsListResult, await client.call('turns.list', query))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.turns.length === 0) context.io.write('no turn\n')
      else {
        const rows = found.turns.map((turn) => [turn.runId, time(turn.acceptedAt), turn.state, about(turn), turn.sessionKey ?? ''])
        table(context.io, ['turn', 'accepted (UTC)', 'state', '', 'session'], rows)
      }
      return exitCodes.ok
    }),
})

const show = defineCommand({
  name: 'show',
  summary: 'What a turn did, step by step',
  details: 'Its journal, with what was asked of you in between. Where the gateway is on this machine, its receipts follow.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [ID],
  examples: [{ command: `cara turns show ${EXAMPLE}`, does: 'The journal of this turn, for people' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { turnsGetResult } = await import('../../contracts/ws/turns.ts')
      const story = understood(turnsGetResult, await client.call('turns.get', { runId: parsed.argument(0) }))
      const isHere = parsed.text('host') === undefined && parsed.number('port') === undefined
      const receipts = isHere ? await context.services.auditShow({ limit: MAX_RECEIPTS, kind: null, turn: story.turn.runId }).catch(() => []) : []
      if (parsed.flag('json')) printJson(context.io, { ...story, receipts })
      else {
        tell(context, story)
        for (const { seq, at, kind } of receipts) context.io.write(`${painter(context.io).dim(`${time(at)} receipt ${seq}`)} ${oneLine(kind)}\n`)
      }
      return exitCodes.ok
    }),
})

const resume = defineCommand({
  name: 'resume',
  summary: 'Go on with a turn that failed, was cancelled or was left',
  details: 'It goes on where its journal ends: what was done is not done again. Not where its conversation has gone on since: ask again there.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [ID],
  examples: [{ command: `cara turns resume ${EXAMPLE}`, does: 'Goes on, for example once the model can be reached again' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { turnsResumeResult } = await import('../../contracts/ws/turns.ts')
      const runId = parsed.argument(0)
      const { turn } = understood(turnsResumeResult, await client.call('turns.resume', { runId }))
      if (parsed.flag('json')) printJson(context.io, { turn })
      else context.io.write(`${oneLine(turn.runId)} goes on\n`)
      return exitCodes.ok
    }),
})

const cancel = defineCommand({
  name: 'cancel',
  summary: 'End a turn that runs or waits',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [ID],
  examples: [{ command: `cara turns cancel ${EXAMPLE}`, does: 'Ends it; what it asked you is not asked any more' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { turnsCancelResult } = await import('../../contracts/ws/turns.ts')
      const done = understood(turnsCancelResult, await client.call('turns.cancel', { runId: parsed.argument(0) }))
      if (parsed.flag('json')) printJson(context.io, done)
      else context.io.write(done.cancelled ? `cancelled ${oneLine(done.runId)}\n` : `${oneLine(done.runId)} had ended already\n`)
      return exitCodes.ok
    }),
})

/** What it waits for, or why it ended. */
function about({ state, questions, wakesAt, error, durationMs }: Turn): string {
  if (wakesAt !== null) return `for its model until ${time(wakesAt)} UTC`
  if (state === 'waiting') return `for ${questions} ${questions === 1 ? 'answer' : 'answers'} of yours`
  if (error !== null) return error.code
  return durationMs === null ? '' : `${(durationMs / 1000).toFixed(1)} s`
}

function tell({ io }: CliContext, { turn, lines, approvals }: Story): void {
  const paint = painter(io)
  io.write(`${paint.bold(turn.runId)} ${turn.state} ${oneLine(about(turn))}\n`)
  io.write(
    `${paint.dim(`${time(turn.acceptedAt)} by ${oneLine(turn.door)}${turn.sessionKey === null ? '' : ` in ${oneLine(turn.sessionKey)}`}, taken ${turn.fence} times`)}\n`,
  )
  const told = [
    ...lines.map((line) => ({ at: line.at, texts: lineTexts(line) })),
    ...approvals.flatMap(({ id, tool, holds, createdAt, status, decision }) => [
      { at: createdAt, texts: [`asked you: ${tool} (${holds.map(({ rule }) => rule).join(', ')}) ${id}`] },
      ...(decision === null ? [] : [{ at: decision.at, texts: [`${status} by ${decision.by}: ${id}`] }]),
    ]),
  ].toSorted((a, b) => a.at - b.at)
  for (const { at, texts } of told) for (const text of texts) io.write(`${paint.dim(time(at))} ${oneLine(text, 400)}\n`)
  if (turn.error !== null) io.write(`${paint.red(turn.error.code)} ${oneLine(turn.error.message)}\n`)
}

function lineTexts({ kind, text, calls, results }: Story['lines'][number]): readonly string[] {
  if (kind === 'began') return calls.map(({ tool, effectId }) => `began ${tool} (effect ${effectId ?? ''})`)
  return [
    ...(text === '' ? [] : [`${kind}: ${text}`]),
    ...calls.map(({ tool, input }) => `wanted ${tool} ${input ?? ''}`),
    ...results.map(({ tool, output, isError }) => `${isError ? 'failed' : 'returned'} ${tool}: ${output}`),
  ]
}

export const group: CommandGroup = {
  name: 'turns',
  summary: 'Turns: where each stands, and what it did',
  commands: [list, show, resume, cancel],
  otherwise: 'list',
}
