import type * as z from 'zod'
import { cronGetResult, cronJobResult, cronListResult, cronRunResult, cronRunsResult, type jobRunView, type jobView } from '../../contracts/ws/cron.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, printJson, table, timeIn } from '../output.ts'
import type { Parsed } from '../parsed.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Job = z.infer<typeof jobView>
type Run = z.infer<typeof jobRunView>

const options = { json: jsonOption, ...gatewayOptions }
const codes = [exitCodes.unreachable, exitCodes.config]
const NAME = { name: 'NAME', description: 'The job, as `cara cron list` shows it', required: true } as const

const jobOptions = {
  at: { type: 'string', value: 'TIME', description: 'Once: 2026-12-24T18:00, or a duration from now like 20m' },
  every: { type: 'string', value: 'DURATION', description: 'Again and again: 30m, 2h, 1d' },
  cron: { type: 'string', value: 'FIELDS', description: 'Five fields: minute hour day-of-month month day-of-week' },
  zone: { type: 'string', value: 'ZONE', description: 'Time zone of --at and --cron, for example Europe/Berlin; by default cron.timeZone' },
  heartbeat: { type: 'boolean', description: 'An answer of “nothing” is not delivered' },
  missed: {
    type: 'string',
    choices: ['skip', 'once', 'all'],
    description: 'What becomes of times at which nothing could run: none, the newest, or the newest 24; by default once',
  },
  between: { type: 'string', value: 'HH:MM-HH:MM', description: 'Only at this time of day' },
  'if-file': { type: 'list', value: 'PATH', description: 'Only where this file has changed since the last run' },
  'if-page': { type: 'list', value: 'URL', description: 'Only where this public page has changed since the last run' },
  'if-note': { type: 'list', value: 'KEY', description: 'Only while a note is kept under this key' },
  deliver: { type: 'string', value: 'DESTINATION', description: 'Also send the answer there (`cara messages list`)' },
  session: { type: 'string', short: 's', value: 'KEY', description: 'The conversation that it runs in; by default its own, cron:NAME' },
  model: { type: 'string', short: 'm', value: 'MODEL', description: 'Model or route; by default the configured one' },
} as const

const list = defineCommand({
  name: 'list',
  summary: 'Jobs, and when they are due',
  options,
  positionals: [],
  examples: [{ command: 'cara cron list', does: 'Name, schedule and next run of each' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed, async (client) => {
      const found = understood(cronListResult, await client.call('cron.list'))
      if (parsed.flag('json')) return printJson(context.io, found)
      if (found.jobs.length === 0) return context.io.write('no job: cara cron add NAME --cron "0 8 * * *" "What is new?"\n')
      const rows = found.jobs.map((job) => [job.name, describe(job, found.timeZone), next(job, found.timeZone), whose(job), job.prompt])
      table(context.io, ['name', 'schedule', 'next', '', 'what'], rows)
    }),
})

const show = defineCommand({
  name: 'show',
  summary: 'One job: what it says, when it is due, how it went',
  options,
  positionals: [NAME],
  examples: [{ command: 'cara cron show morning', does: 'Its prompt, its next runs and its last ones' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed, async (client) => {
      const name = parsed.argument(0)
      const found = understood(cronGetResult, await client.call('cron.get', { name }))
      const { runs } = understood(cronRunsResult, await client.call('cron.runs', { name, limit: 5 }))
      if (parsed.flag('json')) return printJson(context.io, { ...found, runs })
      const { job, upcoming, timeZone } = found
      const zone = zoneOf(job, timeZone)
      const facts = [
        ['name', job.name],
        ['schedule', describe(job, timeZone)],
        ['next', job.status === 'waiting' ? upcoming.map((at) => timeIn(zone, at)).join(', ') : next(job, timeZone)],
        ['missed', job.missed],
        ['session', job.sessionKey],
        ...(job.kind === 'heartbeat' ? [['kind', 'heartbeat']] : []),
        ...(job.onlyIf.length === 0 ? [] : [['only if', job.onlyIf.map(condition).join('; ')]]),
        ...(job.deliver === null ? [] : [['deliver', job.deliver]]),
        ...(job.model === null ? [] : [['model', job.model]]),
        ...(job.author === 'owner' ? [] : [['words', `of the ${job.author}${job.trusted ? '' : ', in a conversation that had read texts of others'}`]]),
      ]
      for (const [label, value] of facts) context.io.write(`${`${label}:`.padEnd(10)}${oneLine(value ?? '', 300)}\n`)
      context.io.write(`\n${clean(job.prompt)}\n`)
      if (runs.length > 0) context.io.write('\n')
      if (runs.length > 0) showRuns(context, runs, zone)
    }),
})

const add = defineCommand({
  name: 'add',
  summary: 'Have something done by the clock',
  details:
    'Each run is an ordinary turn, with the same guard and the same questions to you. Its answer stands in the conversation of the job (`cara sessions show cron:NAME`).\nJobs run while a gateway runs (`cara start`).',
  options: { ...options, ...jobOptions },
  positionals: [
    { name: 'NAME', description: 'Small letters, digits, . _ and -', required: true },
    { name: 'PROMPT', description: 'What is to be done', required: true, rest: true },
  ],
  examples: [
    {
      command: 'cara cron add morning --cron "0 8 * * 1-5" --zone Europe/Berlin "What is new in my notes?"',
      does: 'On weekdays at eight, also when clocks change',
    },
    { command: 'cara cron add tea --at 4m "Tell me that the tea is ready" --deliver phone', does: 'Once, in four minutes, sent to phone' },
    { command: 'cara cron add watch --every 30m --heartbeat "Is a note due today?" --deliver phone', does: 'Sends only what is worth telling' },
  ],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const [name, ...words] = parsed.positionals
      const asked = { name, prompt: words.join(' '), schedule: scheduleOf(parsed.as()) ?? {}, ...changesOf(parsed.as()) }
      await tell(context, client, parsed.flag('json'), 'added', await client.call('cron.add', asked))
    }),
})

const edit = defineCommand({
  name: 'edit',
  summary: 'Change a job; what is not named stays',
  options: { ...options, ...jobOptions, prompt: { type: 'string', short: 'p', value: 'TEXT', description: 'What is to be done from now on' } },
  positionals: [NAME],
  examples: [{ command: 'cara cron edit morning --cron "0 7 * * *"', does: 'An hour earlier' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const [schedule, prompt] = [scheduleOf(parsed.as()), parsed.text('prompt')]
      const change = { ...(schedule === null ? {} : { schedule }), ...(prompt === undefined ? {} : { prompt }), ...changesOf(parsed.as()) }
      await tell(context, client, parsed.flag('json'), 'changed', await client.call('cron.update', { name: parsed.argument(0), ...change }))
    }),
})

const run = defineCommand({
  name: 'run',
  summary: 'Run a job now, beside its schedule',
  options,
  positionals: [NAME],
  examples: [{ command: 'cara cron run morning', does: 'Tries it' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed, async (client) => {
      const found = understood(cronRunResult, await client.call('cron.run', { name: parsed.argument(0) }))
      if (parsed.flag('json')) printJson(context.io, found)
      else context.io.write(`running: ${clean(found.run.name)} (${clean(found.run.runId ?? '')})\n`)
    }),
})

const pause = simple('pause', 'Let a job rest', 'paused', 'cara cron pause morning', { enabled: false })
const resume = simple('resume', 'Let a job run again, from its next time on', 'resumed', 'cara cron resume morning', { enabled: true })

const remove = defineCommand({
  name: 'remove',
  summary: 'Remove a job and its runs, for good',
  options,
  positionals: [NAME],
  examples: [{ command: 'cara cron remove morning', does: 'Its conversation stays' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed, async (client) => {
      await tell(context, client, parsed.flag('json'), 'removed', await client.call('cron.remove', { name: parsed.argument(0) }))
    }),
})

const runs = defineCommand({
  name: 'runs',
  summary: 'What ran, what was left out, and why',
  options: { ...options, limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many to list' } },
  positionals: [{ ...NAME, required: false }],
  examples: [{ command: 'cara cron runs morning', does: 'The newest first' }],
  exitCodes: codes,
  run: (context, parsed) =>
    onGateway(context, parsed.as(), async (client) => {
      const [name] = parsed.positionals
      const limit = Math.min(Math.max(1, parsed.number('limit')), 1000)
      const found = understood(cronRunsResult, await client.call('cron.runs', { limit, ...(name === undefined ? {} : { name }) }))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.runs.length === 0) context.io.write('nothing has run\n')
      else showRuns(context, found.runs, found.timeZone)
    }),
})

function simple(name: string, summary: string, done: string, command: string, change: object) {
  return defineCommand({
    name,
    summary,
    options,
    positionals: [NAME],
    examples: [{ command, does: summary }],
    exitCodes: codes,
    run: (context, parsed) =>
      onGateway(context, parsed, async (client) => {
        await tell(context, client, parsed.flag('json'), done, await client.call('cron.update', { name: parsed.argument(0), ...change }))
      }),
  })
}

async function onGateway(context: CliContext, parsed: Parsed<typeof options>, work: (client: GatewayClient) => Promise<void>): Promise<number> {
  return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
    await work(client)
    return exitCodes.ok
  })
}

function scheduleOf(parsed: Parsed<typeof jobOptions>) {
  const [at, every, cron, timeZone] = [parsed.text('at'), parsed.text('every'), parsed.text('cron'), parsed.text('zone')]
  return at === undefined && every === undefined && cron === undefined && timeZone === undefined ? null : definite({ at, every, cron, timeZone })
}

function changesOf(parsed: Parsed<typeof jobOptions>) {
  const [missed, deliver, sessionKey, model] = [parsed.text('missed'), parsed.text('deliver'), parsed.text('session'), parsed.text('model')]
  const onlyIf = conditionsOf(parsed)
  return {
    ...definite({ missed, deliver, sessionKey, model, kind: parsed.flag('heartbeat') ? 'heartbeat' : undefined }),
    ...(onlyIf.length === 0 ? {} : { onlyIf }),
  }
}

function conditionsOf(parsed: Parsed<typeof jobOptions>) {
  const between = parsed.text('between')
  const [from = '', to = ''] = between?.split('-') ?? []
  return [
    ...(between === undefined ? [] : [{ kind: 'between', from, to }]),
    ...parsed.list('if-note').map((key) => ({ kind: 'note', key })),
    ...parsed.list('if-file').map((path) => ({ kind: 'file', path })),
    ...parsed.list('if-page').map((url) => ({ kind: 'page', url })),
  ]
}

function definite(given: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
}

async function tell(context: CliContext, client: GatewayClient, asJson: boolean, done: string, answer: unknown): Promise<void> {
  const { job } = understood(cronJobResult, answer)
  if (asJson) return printJson(context.io, { job })
  if (job.status !== 'waiting' || done === 'removed') return context.io.write(`${done}: ${clean(job.name)}\n`)
  const { upcoming, timeZone } = understood(cronGetResult, await client.call('cron.get', { name: job.name }))
  const zone = zoneOf(job, timeZone)
  context.io.write(
    `${done}: ${clean(job.name)}, next ${upcoming
      .slice(0, 3)
      .map((at) => timeIn(zone, at))
      .join(', ')} (${zone})\n`,
  )
}

function showRuns(context: CliContext, found: readonly Run[], zone: string): void {
  const rows = found.map((each) => [each.name, timeIn(zone, each.dueAt), each.status, each.note ?? '', each.runId ?? ''])
  table(context.io, ['name', `due (${zone})`, 'status', 'note', 'turn'], rows)
}

function zoneOf({ schedule }: Job, zone: string): string {
  return schedule.kind === 'cron' ? schedule.timeZone : zone
}

function describe(job: Job, zone: string): string {
  const { schedule } = job
  if (schedule.kind === 'at') return `at ${timeIn(zone, schedule.at)}`
  if (schedule.kind === 'cron') return `${schedule.expression} (${schedule.timeZone})`
  const minutes = Math.round(schedule.everyMs / 60_000)
  return `every ${minutes % 1440 === 0 ? `${minutes / 1440}d` : minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`}`
}

function condition(one: Job['onlyIf'][number]): string {
  if (one.kind === 'between') return `it is between ${one.from} and ${one.to}`
  if (one.kind === 'note') return `there is a note ${one.key}`
  return one.kind === 'file' ? `${one.path} has changed` : `${one.url} has changed`
}

function next(job: Job, zone: string): string {
  if (job.status === 'paused') return job.pausedWhy === null ? 'paused' : `paused: ${job.pausedWhy}`
  return job.nextAt === null ? 'done' : timeIn(zoneOf(job, zone), job.nextAt)
}

function whose(job: Job): string {
  return job.author === 'owner' ? '' : `of the ${job.author}`
}

export const group: CommandGroup = {
  name: 'cron',
  summary: 'Work that begins by the clock',
  commands: [list, show, add, edit, run, pause, resume, remove, runs],
  otherwise: 'list',
}
