import type * as z from 'zod'
import type { turnsReplayResult } from '../../contracts/ws/turns.ts'
import { defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { oneLine, painter, printJson, table } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Replay = z.infer<typeof turnsReplayResult>
type Verdict = NonNullable<Replay['calls'][number]['now']>

export const command = defineCommand({
  name: 'replay',
  summary: 'Run a past turn again from its journal, and show what would be different',
  details:
    'Under the rules, grants and configuration of now, with the answers of the models and the results of the tools of that time: nothing is sent, nothing happens.\nShows calls that would be held, refused or let through, requests to a model that differ (by hash), and another reply. Ends with 1 where something differs.',
  options: {
    'guard-only': { type: 'boolean', description: 'Only what the guard says of each call, then and now' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [{ name: 'TURN', description: 'The turn, as `cara turns` lists it', required: true }],
  examples: [{ command: 'cara replay turn_1k3xq0v2a3f09c2b81d77 --guard-only', does: 'Tries a change of the guard against what happened' }],
  exitCodes: [exitCodes.failed, exitCodes.unreachable, exitCodes.config],
  run: (context, parsed) =>
    withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { turnsReplayResult } = await import('../../contracts/ws/turns.ts')
      const isGuardOnly = parsed.flag('guard-only')
      const replay = understood(turnsReplayResult, await client.call('turns.replay', { runId: parsed.argument(0) }))
      const differences = replay.differences.filter(({ kind }) => !isGuardOnly || kind === 'call')
      if (parsed.flag('json')) printJson(context.io, { ...replay, differences })
      else show(context, { ...replay, differences }, isGuardOnly)
      return differences.length === 0 ? exitCodes.ok : exitCodes.failed
    }),
})

function show({ io }: CliContext, { calls, differences, requests, compared, notes }: Replay, isGuardOnly: boolean): void {
  const paint = painter(io)
  if (isGuardOnly) {
    if (calls.length === 0) io.write('it made no call\n')
    else
      table(
        io,
        ['call', 'then', 'now'],
        calls.map(({ tool, callId, before, now }) => [`${tool} (${callId})`, verdict(before), now === null ? 'not made' : verdict(now)]),
      )
    return
  }
  for (const { kind, what, before, now } of differences) {
    io.write(`${paint.bold(`${kind}: ${oneLine(what)}`)}\n${paint.red(`- ${oneLine(before, 400)}`)}\n${paint.green(`+ ${oneLine(now, 400)}`)}\n`)
  }
  for (const note of notes) io.write(`${paint.dim(`note: ${oneLine(note)}`)}\n`)
  io.write(
    `${calls.length} calls, ${requests} requests (${compared} compared by hash): ${differences.length === 0 ? 'nothing differs' : `${differences.length} differences`}\n`,
  )
}

function verdict({ kind, rules }: Verdict): string {
  return [kind, ...rules].join(' ')
}
