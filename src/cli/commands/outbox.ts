import type * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { outboxStatuses } from '../../contracts/outbox.ts'
import type { outboxMessage } from '../../contracts/ws/outbox.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { bytes, clean, oneLine, painter, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

type Message = z.infer<typeof outboxMessage>

const codes = [exitCodes.unreachable, exitCodes.config]
const IDS = { name: 'ID', description: 'The message, as `cara outbox list` shows it', rest: true } as const

const list = defineCommand({
  name: 'list',
  summary: 'Messages that wait, are dead, or left, newest first',
  details: '`cara outbox` alone means this. What is dead is not tried again by itself: `cara outbox retry` or `cara outbox drop` it.',
  options: {
    status: { type: 'string', choices: [...outboxStatuses], description: 'Only those' },
    to: { type: 'string', value: 'NAME', description: 'Only those to this destination' },
    limit: { type: 'number', short: 'n', value: 'N', default: 50, description: 'How many' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara outbox list', does: 'Lists the newest messages' },
    { command: 'cara outbox list --status dead', does: 'Lists what could not be delivered' },
  ],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { outboxListResult } = await import('../../contracts/ws/outbox.ts')
      const [status, to] = [parsed.text('status'), parsed.text('to')]
      const limit = Math.min(Math.max(1, parsed.number('limit')), 1000)
      const query = { limit, ...(status === undefined ? {} : { status }), ...(to === undefined ? {} : { to }) }
      const found = understood(outboxListResult, await client.call('outbox.list', query))
      if (parsed.flag('json')) printJson(context.io, found)
      else {
        showAll(context, found.messages)
        for (const pause of found.paused) context.io.write(`${clean(pause.to)} fails again and again: left alone until ${time(pause.until)} UTC\n`)
      }
      return exitCodes.ok
    })
  },
})

const show = defineCommand({
  name: 'show',
  summary: 'One message with everything about it, and its text while it is kept',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ ...IDS, required: true, rest: false }],
  examples: [{ command: 'cara outbox show out_1k3xq0v2a3f09c2b81d77', does: 'Shows why it waits or is dead' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { outboxGetResult } = await import('../../contracts/ws/outbox.ts')
      const found = understood(outboxGetResult, await client.call('outbox.get', { id: parsed.argument(0) }))
      if (parsed.flag('json')) printJson(context.io, found)
      else showOne(context, found.message, found.texts)
      return exitCodes.ok
    })
  },
})

const retry = defineCommand({
  name: 'retry',
  summary: 'Try dead messages again, at once',
  options: { to: { type: 'string', value: 'NAME', description: 'All dead messages to this destination' }, json: jsonOption, ...gatewayOptions },
  positionals: [{ ...IDS, required: false }],
  examples: [
    { command: 'cara outbox retry out_1k3xq0v2a3f09c2b81d77', does: 'Tries this one again' },
    { command: 'cara outbox retry --to team-chat', does: 'Tries all of them again, once the destination is mended' },
  ],
  exitCodes: codes,
  run(context, parsed) {
    const [to, ids] = [parsed.text('to'), parsed.positionals]
    if ((to === undefined) === (ids.length === 0))
      throw new AppError('cli/usage', 'give either ID or --to', { hint: '`cara outbox list --status dead` lists them' })
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { outboxMessagesResult } = await import('../../contracts/ws/outbox.ts')
      const { messages } = understood(outboxMessagesResult, await client.call('outbox.retry', to === undefined ? { ids } : { to }))
      if (parsed.flag('json')) printJson(context.io, { messages })
      else if (messages.length === 0) context.io.write('nothing is dead there\n')
      else for (const message of messages) context.io.write(`tried again: ${message.id} to ${clean(message.to)}\n`)
      return exitCodes.ok
    })
  },
})

const drop = defineCommand({
  name: 'drop',
  summary: 'Give messages up that wait or are dead, and forget their texts',
  details: 'What is on its way at this moment may still arrive.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ ...IDS, required: true }],
  examples: [{ command: 'cara outbox drop out_1k3xq0v2a3f09c2b81d77', does: 'Gives it up' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { outboxMessagesResult } = await import('../../contracts/ws/outbox.ts')
      const { messages } = understood(outboxMessagesResult, await client.call('outbox.drop', { ids: parsed.positionals }))
      if (parsed.flag('json')) printJson(context.io, { messages })
      else for (const message of messages) context.io.write(`dropped: ${message.id} to ${clean(message.to)}\n`)
      return exitCodes.ok
    })
  },
})

export const group: CommandGroup = { name: 'outbox', summary: 'Messages on their way out', commands: [list, show, retry, drop], otherwise: 'list' }

function showAll({ io }: CliContext, messages: readonly Message[]): void {
  if (messages.length === 0) return io.write('nothing\n')
  const rows = messages.map((one) => [one.id, one.to, one.status, partsOf(one), time(one.createdAt), one.dueAt === null ? '' : time(one.dueAt), one.why ?? ''])
  table(io, ['id', 'to', 'status', 'parts', 'accepted (UTC)', 'next try (UTC)', 'why'], rows)
}

function showOne({ io }: CliContext, message: Message, texts: readonly string[]): void {
  const paint = painter(io)
  const facts: readonly (readonly [string, string])[] = [
    ['to', message.to],
    ['status', message.status],
    ['why', message.why ?? ''],
    ['for', { tool: 'a tool', test: 'a test', approval: 'word of a question', job: 'a job' }[message.purpose]],
    ['key', message.key],
    ['turn', message.runId ?? ''],
    ['session', message.sessionKey ?? ''],
    ['parts sent', partsOf(message)],
    ['attempts', `${message.attempts}${message.mayRepeat ? ', of which one may have arrived unseen' : ''}`],
    ['size', bytes(message.bytes)],
    ['accepted', `${time(message.createdAt)} UTC`],
    ['next try', message.dueAt === null ? '' : `${time(message.dueAt)} UTC`],
    ['given up', message.dueAt === null ? '' : `${time(message.expiresAt)} UTC`],
    ['ended', message.settledAt === null ? '' : `${time(message.settledAt)} UTC`],
  ]
  io.write(`${paint.bold(message.id)}\n`)
  for (const [name, value] of facts) if (value !== '') io.write(`${paint.dim(name.padEnd(10))} ${oneLine(value)}\n`)
  for (const text of texts) io.write(`\n${clean(text).replaceAll(/^/gm, '│ ')}\n`)
}

function partsOf({ sentParts, parts }: Message): string {
  return `${sentParts}/${parts}`
}
