import { AppError } from '../../contracts/errors.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, printJson, safeJson, table } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const KEY = { name: 'KEY', description: 'Key of the conversation, as `cara sessions list` shows it', required: true } as const
const codes = [exitCodes.unreachable, exitCodes.config]

const exportCommand = defineCommand({
  name: 'export',
  summary: 'Everything that is kept about a conversation, as JSON lines',
  details:
    'Messages, turns, questions with their answers, standing words, refusals, writes that can be taken back, messages that were sent, tokens, the tasks and jobs that run in it\nwith what came of them, and the notes that it wrote. The file is readable by you alone and must not be there yet.',
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', description: 'The file; by default standard output' },
    json: { type: 'boolean', description: 'Print errors as JSON' },
    ...gatewayOptions,
  },
  positionals: [KEY],
  examples: [{ command: 'cara data export cli-chat -o mine.jsonl', does: 'Writes mine.jsonl' }],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { exportSession } = await import('../export-session.ts')
      const key = parsed.argument(0)
      const text = (await exportSession(client, key, 'jsonl')) + (await restOf(client, key))
      const file = parsed.text('output')
      if (file === undefined) context.io.write(text)
      else {
        const { atomicWrite } = await import('../../std/atomic-write.ts')
        await atomicWrite(file, text).catch((error: unknown) => {
          throw new AppError('file/unwritable', 'the output file', { hint: 'check folder and permissions of --output', cause: error })
        })
        context.io.writeError(`written to ${clean(file)}\n`)
      }
      return exitCodes.ok
    })
  },
})

async function restOf(client: GatewayClient, key: string): Promise<string> {
  const [{ dataExportResult }, { conversationKinds }] = await Promise.all([import('../../contracts/ws/data.ts'), import('../../contracts/store.ts')])
  const lines: string[] = []
  for (const kind of conversationKinds) {
    for (let offset: number | null = 0; offset !== null;) {
      const page: { readonly rows: readonly object[]; readonly next: number | null } = understood(
        dataExportResult,
        await client.call('data.export', { key, kind, offset }),
      )
      lines.push(...page.rows.map((row) => `${safeJson({ kind, row })}\n`))
      offset = page.next
    }
  }
  return lines.join('')
}

const erase = defineCommand({
  name: 'erase',
  summary: 'Erase everything about a conversation, for good',
  details:
    'Shows first what there is; --yes erases it: rows, notes that it wrote, copies of what it replaced, copies of the database from before upgrades, and what they left in free\npages and in the write-ahead log. Its turns are ended first. Receipts stay: they hold no word of it. Files of yours that tools wrote, and backups that you made, are yours\nto delete.',
  options: { yes: { type: 'boolean', short: 'y', description: 'Erase; without it, only show' }, json: jsonOption, ...gatewayOptions },
  positionals: [KEY],
  examples: [
    { command: 'cara data erase cli-chat', does: 'Shows what would go' },
    { command: 'cara data erase cli-chat --yes', does: 'Erases it' },
  ],
  exitCodes: codes,
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { dataEraseResult, dataShowResult } = await import('../../contracts/ws/data.ts')
      const key = parsed.argument(0)
      const found = understood(dataShowResult, await client.call('data.show', { key }))
      const isMeant = parsed.flag('yes')
      const erased = isMeant ? understood(dataEraseResult, await client.call('data.erase', { key })) : null
      if (parsed.flag('json')) {
        printJson(context.io, { erased: isMeant, ...found })
        return exitCodes.ok
      }
      const rows = Object.entries(found.rows).filter(([, count]) => count > 0)
      table(context.io, ['what', 'rows'], [...rows.map(([name, count]) => [name, String(count)]), ['notes', String(found.notes.length)]])
      for (const note of found.notes) context.io.write(`note: ${oneLine(note)}\n`)
      context.io.write(erased === null ? 'nothing was erased: --yes does it\n' : `erased, with ${erased.copies} copies of files\n`)
      return exitCodes.ok
    })
  },
})

export const group: CommandGroup = { name: 'data', summary: 'What is kept about a conversation: take it along, erase it', commands: [exportCommand, erase] }
