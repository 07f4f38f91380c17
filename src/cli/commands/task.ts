import type * as z from 'zod'
import { taskListResult, taskResult, taskStates, type taskView } from '../../contracts/ws/task.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, printJson, table, timeIn } from '../output.ts'
import type { Parsed } from '../parsed.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Task = z.infer<typeof taskView>

const options = { json: jsonOption, ...gatewayOptions }
const codes = [exitCodes.unreachable, exitCodes.config]
const ID = { name: 'TASK', description: 'The task, as `cara task list` shows it', required: true } as const

const taskOptions = {
  model: { type: 'string', short: 'm', value: 'MODEL', description: 'Model or route; by default the configured one' },
  'max-attempts': { type: 'number', value: 'N', description: 'Tries, those that could not begin included; by default 100' },
  'max-turns': { type: 'number', value: 'N', description: 'Turns in all; by default 25' },
  'max-total': { type: 'number', value: 'SECONDS', description: 'No try begins later than this after it was created; by default 604800, a week' },
  'max-run': { type: 'number', value: 'SECONDS', description: 'The time of one run, without what it waits for you; by default 600' },
} as const

const list = defineCommand({
  name: 'list',
  summary: 'Tasks, and how they stand',
  options: {
    ...options,
    state: { type: 'string', choices: taskStates, description: 'Only those that stand like this' },
    limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many to list' },
  },
  positionals: [],
  examples: [{ command: 'cara task list --state blocked', does: 'Those that wait for you, the newest first' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const state = parsed.text('state')
      const limit = Math.min(Math.max(1, parsed.number('limit')), 1000)
      const found = understood(taskListResult, await client.call('task.list', { limit, ...(state === undefined ? {} : { state }) }))
      if (parsed.flag('json')) return printJson(context.io, found)
      if (found.tasks.length === 0) return context.io.write('no task: cara task create "Tidy up my notes"\n')
      const rows = found.tasks.map((task) => [task.id, standing(task, found.timeZone), `${task.attempts}/${task.policy.maxAttempts}`, whose(task), task.prompt])
      table(context.io, ['task', 'state', 'tries', '', 'what'], rows)
    }),
})

const show = defineCommand({
  name: 'show',
  summary: 'One task: what it says, how it stands, its turns',
  options,
  positionals: [ID],
  examples: [{ command: 'cara task show task_…', does: 'Also why it is blocked, and what its last try met' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed, async (client) => {
      const { task } = understood(taskResult, await client.call('task.get', { id: parsed.argument(0) }))
      if (parsed.flag('json')) return printJson(context.io, { task })
      const { timeZone } = understood(taskListResult, await client.call('task.list', { limit: 1 }))
      const { policy } = task
      const facts = [
        ['task', task.id],
        ['state', standing(task, timeZone)],
        ...(task.lastError === null ? [] : [['why', task.lastError]]),
        ['tries', `${task.attempts} of ${policy.maxAttempts}, turns ${task.runIds.length} of ${policy.maxTurns}`],
        ['time', `${policy.maxRunTimeoutSeconds} s for each run, ${Math.round(policy.maxTotalRuntimeMs / 1000)} s in all`],
        ['created', timeIn(timeZone, task.createdAt)],
        ['session', task.sessionKey],
        ...(task.model === null ? [] : [['model', task.model]]),
        ...(task.author === 'owner' ? [] : [['words', `of the ${task.author}${task.trusted ? '' : ', in a conversation that had read texts of others'}`]]),
        ...(task.runIds.length === 0 ? [] : [['turns', task.runIds.slice(-5).join(' ')]]),
      ]
      for (const [label, value] of facts) context.io.write(`${`${label}:`.padEnd(10)}${oneLine(value ?? '', 300)}\n`)
      context.io.write(`\n${clean(task.prompt)}\n`)
    }),
})

const create = defineCommand({
  name: 'create',
  summary: 'Have something done, and tried again until it is',
  details:
    'Each run is an ordinary turn, with the same guard and the same questions to you; where one fails, another goes on in the same conversation (`cara sessions show task:ID`).\nTasks run while a gateway runs (`cara start`), and survive its end.',
  options: {
    ...options,
    session: { type: 'string', short: 's', value: 'KEY', description: 'The conversation that it runs in; by default its own, task:ID' },
    ...taskOptions,
  },
  positionals: [{ name: 'PROMPT', description: 'What is to be done', required: true, rest: true }],
  examples: [
    { command: 'cara task create "Sort my notes by year"', does: 'At once, or when there is a place' },
    { command: 'cara task create --max-attempts 3 --max-run 60 "Sum up report.pdf"', does: 'Tried three times, a minute each' },
  ],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const sessionKey = parsed.text('session')
      const asked = { prompt: parsed.positionals.join(' '), ...(sessionKey === undefined ? {} : { sessionKey }), ...changesOf(parsed.as()) }
      tell(context, parsed.flag('json'), 'created', await client.call('task.create', asked))
    }),
})

const edit = defineCommand({
  name: 'edit',
  summary: 'Change a task whose turn does not go on just now; what is not named stays',
  options: { ...options, prompt: { type: 'string', short: 'p', value: 'TEXT', description: 'What is to be done from the next run on' }, ...taskOptions },
  positionals: [ID],
  examples: [{ command: 'cara task edit task_… --max-attempts 5', does: 'Tried less often' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const prompt = parsed.text('prompt')
      const change = { ...(prompt === undefined ? {} : { prompt }), ...changesOf(parsed.as()) }
      tell(context, parsed.flag('json'), 'changed', await client.call('task.update', { id: parsed.argument(0), ...change }))
    }),
})

const cancel = defineCommand({
  name: 'cancel',
  summary: 'End a task, and its turn',
  options: { ...options, reason: { type: 'string', short: 'r', value: 'TEXT', description: 'Kept with it' } },
  positionals: [ID],
  examples: [{ command: 'cara task cancel task_…', does: 'What it did stays done' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const reason = parsed.text('reason')
      const asked = { id: parsed.argument(0), ...(reason === undefined ? {} : { reason }) }
      tell(context, parsed.flag('json'), 'cancelled', await client.call('task.cancel', asked))
    }),
})

const retry = simple('retry', 'Begin a task again that failed or was cancelled', 'begun again')
const resume = simple('resume', 'Go on now with a task that is blocked or waits', 'goes on')

function simple(name: 'retry' | 'resume', summary: string, done: string) {
  return defineCommand({
    name,
    summary,
    options,
    positionals: [ID],
    examples: [{ command: `cara task ${name} task_…`, does: summary }],
    exitCodes: codes,
    run: (context, parsed) =>
      onGateway(context, parsed, async (client) => {
        tell(context, parsed.flag('json'), done, await client.call(`task.${name}`, { id: parsed.argument(0) }))
      }),
  })
}

async function onGateway(context: CliContext, parsed: Parsed<typeof options>, work: (client: GatewayClient) => Promise<void>): Promise<number> {
  return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
    await work(client)
    return exitCodes.ok
  })
}

function changesOf(parsed: Parsed<typeof taskOptions>) {
  const [model, attempts, turns] = [parsed.text('model'), parsed.number('max-attempts'), parsed.number('max-turns')]
  const [total, run] = [parsed.number('max-total'), parsed.number('max-run')]
  const policy = {
    ...(attempts === undefined ? {} : { maxAttempts: attempts }),
    ...(turns === undefined ? {} : { maxTurns: turns }),
    ...(total === undefined ? {} : { maxTotalRuntimeMs: total * 1000 }),
    ...(run === undefined ? {} : { maxRunTimeoutSeconds: run }),
  }
  return { ...(model === undefined ? {} : { model }), ...(Object.keys(policy).length === 0 ? {} : { policy }) }
}

function tell({ io }: CliContext, asJson: boolean, done: string, answer: unknown): void {
  const { task } = understood(taskResult, answer)
  if (asJson) printJson(io, { task })
  else io.write(`${done}: ${clean(task.id)}\n`)
}

function standing({ state, blockedReason, nextRunAt }: Task, zone: string): string {
  if (state === 'retry_wait' && nextRunAt !== null) return `retry_wait until ${timeIn(zone, nextRunAt)}`
  return blockedReason === null ? state : `${state}: ${blockedReason}`
}

function whose(task: Task): string {
  return task.author === 'owner' ? '' : `of the ${task.author}`
}

export const group: CommandGroup = {
  name: 'task',
  summary: 'Work that goes on until it is done',
  commands: [list, show, create, edit, cancel, retry, resume],
  otherwise: 'list',
}
