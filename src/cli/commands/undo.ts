import type * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { undoStep } from '../../contracts/ws/undo.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Step = z.infer<typeof undoStep>

/** Of one turn, all that can be kept. */
const MAX_STEPS = 1000

export const command = defineCommand({
  name: 'undo',
  summary: 'Take back what the assistant wrote to your files and notes',
  details:
    'Without an argument, lists the newest writes. A file or note comes back as it was, with its permissions and the origin that it had; what was moved is moved back.\nWhat was changed since is left alone, unless --force says so.',
  options: {
    last: { type: 'boolean', description: 'Take back the newest write that stands' },
    run: { type: 'string', value: 'TURN', description: 'Take back all writes of this turn, the newest first' },
    force: { type: 'boolean', description: 'Also where it was changed since' },
    limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many to list' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [{ name: 'ID', description: 'The write to take back, as `cara undo` lists it', required: false }],
  examples: [
    { command: 'cara undo', does: 'Lists what can be taken back' },
    { command: 'cara undo --last', does: 'Takes the newest write back' },
    { command: 'cara undo --run turn_1k3xq0v2a3f09c2b81d77', does: 'Takes back all that this turn wrote' },
  ],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run(context, parsed) {
    const [id] = parsed.positionals
    const [isLast, turn, isJson] = [parsed.flag('last'), parsed.text('run'), parsed.flag('json')]
    if ([id !== undefined, isLast, turn !== undefined].filter(Boolean).length > 1) {
      throw new AppError('cli/usage', 'give one of ID, --last and --run', { hint: '`cara undo` lists what can be taken back' })
    }
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      if (id === undefined && !isLast && turn === undefined) {
        const steps = await list(client, { limit: Math.min(Math.max(1, parsed.number('limit')), MAX_STEPS) })
        if (isJson) printJson(context.io, { steps })
        else show(context, steps)
        return exitCodes.ok
      }
      const wanted = id === undefined ? await standing(client, turn) : [id]
      const undone: Step[] = []
      // One after the other, the newest first: each finds what the one after it left.
      for (const each of wanted) {
        undone.push(await apply(client, each, parsed.flag('force')))
        if (!isJson) context.io.write(`taken back: ${oneLine(undone.at(-1)?.summary ?? '')}\n`)
      }
      if (isJson) printJson(context.io, { undone })
      return exitCodes.ok
    })
  },
})

/** Of a turn all that stand; without one the newest. */
async function standing(client: GatewayClient, turn: string | undefined): Promise<readonly string[]> {
  const steps = await list(client, { limit: MAX_STEPS, ...(turn === undefined ? {} : { runId: turn }) })
  const ids = steps.filter(({ undoneAt }) => undoneAt === null).map(({ id }) => id)
  if (ids.length === 0) throw new AppError('undo/not-found', turn === undefined ? 'nothing stands' : `nothing of ${clean(turn)} stands`)
  return turn === undefined ? ids.slice(0, 1) : ids
}

async function list(client: GatewayClient, query: { readonly limit: number; readonly runId?: string }): Promise<readonly Step[]> {
  const { undoListResult } = await import('../../contracts/ws/undo.ts')
  return understood(undoListResult, await client.call('undo.list', query)).steps
}

async function apply(client: GatewayClient, id: string, force: boolean): Promise<Step> {
  const { undoApplyResult } = await import('../../contracts/ws/undo.ts')
  return understood(undoApplyResult, await client.call('undo.apply', { id, force })).step
}

function show(context: CliContext, steps: readonly Step[]): void {
  if (steps.length === 0) return context.io.write('nothing was written\n')
  const rows = steps.map((step) => [step.id, time(step.at), step.undoneAt === null ? '' : 'taken back', step.summary])
  table(context.io, ['id', 'written (UTC)', '', 'what'], rows)
}
