import { AppError } from '../../contracts/errors.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, painter, printJson, replyText, safeJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const KEY = { name: 'KEY', description: 'Key of the session, as `cara sessions list` shows it', required: true } as const
const codes = [exitCodes.unreachable, exitCodes.config]

const list = defineCommand({
  name: 'list',
  summary: 'Sessions, newest activity first',
  options: {
    limit: { type: 'number', short: 'n', value: 'N', default: 50, description: 'How many' },
    search: { type: 'string', value: 'TEXT', description: 'Only those whose key or title holds this' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [{ command: 'cara sessions list --search work', does: 'Sessions with `work` in key or title' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { sessionsListResult } = await import('../../contracts/ws/sessions.ts')
      const search = parsed.text('search')
      const found = understood(
        sessionsListResult,
        await client.call('sessions.list', { limit: parsed.number('limit'), ...(search === undefined ? {} : { search }) }),
      )
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.sessions.length === 0) context.io.write('no session\n')
      else {
        const rows = found.sessions.map((one) => [one.key, String(one.messageCount), time(one.lastActivityAt), one.model ?? '', one.title ?? ''])
        table(context.io, ['session', 'messages', 'last activity (UTC)', 'model', 'title'], rows)
        if (found.total > rows.length) context.io.write(`${rows.length} of ${found.total}: --limit shows more\n`)
      }
      return exitCodes.ok
    })
  },
})

const show = defineCommand({
  name: 'show',
  summary: 'The newest messages of a session',
  options: { limit: { type: 'number', short: 'n', value: 'N', default: 20, description: 'How many messages' }, json: jsonOption, ...gatewayOptions },
  positionals: [KEY],
  examples: [{ command: 'cara sessions show cli-chat -n 5', does: 'The last five messages' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { chatHistoryResult } = await import('../../contracts/ws/chat.ts')
      const history = understood(chatHistoryResult, await client.call('chat.history', { sessionKey: parsed.argument(0), limit: parsed.number('limit') }))
      if (parsed.flag('json')) {
        printJson(context.io, history)
        return exitCodes.ok
      }
      const paint = painter(context.io)
      if (history.more) context.io.write(`${paint.dim('… older messages: --limit shows more')}\n`)
      for (const message of history.messages) {
        context.io.write(`${paint.bold(message.role)} ${paint.dim(time(message.at))}\n`)
        if (message.text !== '') context.io.write(`${replyText(message.text)}\n`)
        for (const call of message.toolCalls ?? []) context.io.write(`${paint.cyan('⚙')} ${oneLine(call.tool)} ${paint.dim(oneLine(safeJson(call.input)))}\n`)
        for (const result of message.toolResults ?? []) context.io.write(`${paint.cyan('→')} ${oneLine(result.output)}\n`)
      }
      return exitCodes.ok
    })
  },
})

const exportCommand = defineCommand({
  name: 'export',
  summary: 'A whole session as JSONL or Markdown',
  details: 'JSONL is complete: a line for the session, then one for each message with its origin. Markdown is for reading.',
  options: {
    format: { type: 'string', short: 'f', choices: ['jsonl', 'markdown'], default: 'jsonl', description: 'How to write it' },
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write into this file, readable by you alone, instead of standard output' },
    json: { type: 'boolean', description: 'Print errors as JSON' },
    ...gatewayOptions,
  },
  positionals: [KEY],
  examples: [{ command: 'cara sessions export cli-chat --format markdown --output chat.md', does: 'Writes chat.md' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { exportSession } = await import('../export-session.ts')
      const text = await exportSession(client, parsed.argument(0), parsed.text('format') === 'markdown' ? 'markdown' : 'jsonl')
      const file = parsed.text('output')
      if (file === undefined) context.io.write(text)
      else {
        const { atomicWrite } = await import('../../std/atomic-write.ts')
        await atomicWrite(file, text).catch((error: unknown) => {
          throw new AppError('file/unreadable', 'the output file cannot be written', { hint: 'check folder and permissions of --output', cause: error })
        })
        context.io.writeError(`written to ${clean(file)}\n`)
      }
      return exitCodes.ok
    })
  },
})

const remove = defineCommand({
  name: 'delete',
  summary: 'Delete sessions with all their messages, for good',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ ...KEY, rest: true }],
  examples: [{ command: 'cara sessions delete cli-chat', does: 'Deletes this conversation' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { sessionsDeleteResult } = await import('../../contracts/ws/sessions.ts')
      const results = []
      for (const key of parsed.positionals) results.push(understood(sessionsDeleteResult, await client.call('sessions.delete', { key })))
      if (parsed.flag('json')) printJson(context.io, { results })
      else for (const result of results) context.io.write(result.deleted ? `deleted ${clean(result.key)}\n` : `there is no session ${clean(result.key)}\n`)
      return results.every((result) => result.deleted) ? exitCodes.ok : exitCodes.failed
    })
  },
})

export const group: CommandGroup = { name: 'sessions', summary: 'Conversations that are kept', commands: [list, show, exportCommand, remove] }
