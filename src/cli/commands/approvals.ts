import type * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import type { Answer } from '../approvals/answer.ts'
import type { ApprovalView } from '../approvals/question.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext, GatewayTarget } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { clean, oneLine, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const codes = [exitCodes.unreachable, exitCodes.config]
const IDS = { name: 'ID', description: 'The question, as `cara approvals` lists it', required: true, rest: true } as const

function connected(context: CliContext, gateway: GatewayTarget, work: (client: GatewayClient) => Promise<number>): Promise<number> {
  return withGateway(context, { ...gateway, orEmbed: true }, work)
}

const list = defineCommand({
  name: 'list',
  summary: 'What waits for your word, oldest first',
  details: '`cara approvals` alone means this.',
  options: {
    status: { type: 'string', choices: ['pending', 'allowed', 'denied', 'expired', 'cancelled'], default: 'pending', description: 'Those that came to this' },
    limit: { type: 'number', short: 'n', value: 'N', default: 50, description: 'How many' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [{ command: 'cara approvals list', does: 'Lists what waits' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { approvalsListResult } = await import('../../contracts/ws/approvals.ts')
      const limit = Math.min(Math.max(1, parsed.number('limit')), 1000)
      const found = understood(approvalsListResult, await client.call('approvals.list', { status: parsed.text('status'), limit }))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.approvals.length === 0) context.io.write(parsed.text('status') === 'pending' ? 'nothing waits\n' : 'none\n')
      else {
        const rows = found.approvals.map((one) => [one.id, one.tool, one.destinations.join(', '), one.sessionKey ?? '', time(one.expiresAt)])
        table(context.io, ['id', 'tool', 'to', 'session', 'expires (UTC)'], rows)
        if (found.total > rows.length) context.io.write(`${rows.length} of ${found.total}: --limit shows more\n`)
      }
      return exitCodes.ok
    }),
})

const show = defineCommand({
  name: 'show',
  summary: 'One question with everything about it, every byte of its arguments',
  details: 'Text that the model or others wrote stands behind `│`; what cannot be seen in it is written as \\u{202e}.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [IDS],
  examples: [{ command: 'cara approvals show apr_1k3xq0v2a3f09c2b81d77', does: 'Shows it whole' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { questionText, unlockLines } = await import('../approvals/question.ts')
      const found = await fetchAll(client, parsed.positionals)
      if (parsed.flag('json')) printJson(context.io, { approvals: found })
      else
        for (const approval of found) {
          context.io.write(questionText(approval, context.io, Date.now(), { whole: true }))
          if (approval.status === 'pending') context.io.write(`${unlockLines(approval, context.io).join('\n')}\n`)
        }
      return exitCodes.ok
    }),
})

const allow = defineCommand({
  name: 'allow',
  summary: 'Let calls run that wait',
  details:
    'All of them or none. What is allowed is exactly what the question holds now: arguments, and what the tool bound them to.\n`--for` says how far your word reaches; `cara approvals show` tells what each means for this call.',
  options: {
    for: { type: 'string', choices: ['once', 'session', 'destination', 'always'], default: 'once', description: 'How far your word reaches' },
    edit: { type: 'string', value: 'JSON', description: 'Run with these arguments instead; `-` reads them from standard input' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [IDS],
  examples: [
    { command: 'cara approvals allow apr_1k3xq0v2a3f09c2b81d77', does: 'Lets this call run' },
    { command: 'cara approvals allow apr_1k3xq0v2a3f09c2b81d77 --for session', does: 'And its like in this conversation' },
  ],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const input = await editedInput(context, parsed.text('edit'), parsed.positionals)
      const asked = await fetchAll(client, parsed.positionals)
      const unlock = asUnlock(parsed.text('for'))
      for (const { id, unlocks } of asked) {
        if (!unlocks.includes(unlock))
          throw new AppError('cli/usage', `${clean(id)} does not offer --for ${unlock}`, { hint: `use one of ${unlocks.join(', ')}` })
      }
      return answer(context, client, parsed.flag('json'), asked, ({ id, hash }) => ({
        id,
        hash,
        decision: 'allow',
        unlock,
        ...(input === undefined ? {} : { input }),
      }))
    }),
})

const deny = defineCommand({
  name: 'deny',
  summary: 'Refuse calls that wait',
  options: { note: { type: 'string', value: 'TEXT', description: 'A word to the model' }, json: jsonOption, ...gatewayOptions },
  positionals: [IDS],
  examples: [{ command: 'cara approvals deny apr_1k3xq0v2a3f09c2b81d77 --note "ask Ann first"', does: 'Refuses it, and tells the model why' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const note = parsed.text('note')
      const asked = await fetchAll(client, parsed.positionals)
      return answer(context, client, parsed.flag('json'), asked, ({ id, hash }) => ({ id, hash, decision: 'deny', ...(note === undefined ? {} : { note }) }))
    }),
})

const grants = defineCommand({
  name: 'grants',
  summary: 'What you allowed beyond one call',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara approvals grants', does: 'Lists your standing words' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { grantsListResult } = await import('../../contracts/ws/approvals.ts')
      const found = understood(grantsListResult, await client.call('approvals.grants', {}))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.grants.length === 0) context.io.write('no grant\n')
      else {
        const rows = found.grants.map((one) => [
          one.id,
          one.unlock,
          one.tool,
          one.values.join(', ') || (one.shape ?? ''),
          one.sessionKey ?? '',
          time(one.createdAt),
        ])
        table(context.io, ['id', 'reach', 'tool', 'what', 'session', 'since (UTC)'], rows)
      }
      return exitCodes.ok
    }),
})

const revoke = defineCommand({
  name: 'revoke',
  summary: 'Take back what you allowed beyond one call, at once',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [{ name: 'GRANT', description: 'The grant, as `cara approvals grants` lists it', required: true, rest: true }],
  examples: [{ command: 'cara approvals revoke grant_1k3xq0v2a3f09c2b81d77', does: 'Takes it back' }],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { grantsRevokeResult } = await import('../../contracts/ws/approvals.ts')
      const results = []
      for (const id of parsed.positionals) results.push(understood(grantsRevokeResult, await client.call('approvals.revoke', { id })))
      if (parsed.flag('json')) printJson(context.io, { results })
      else for (const one of results) context.io.write(one.revoked ? `revoked ${clean(one.id)}\n` : `there is no grant ${clean(one.id)}\n`)
      return results.every((one) => one.revoked) ? exitCodes.ok : exitCodes.failed
    }),
})

const proposal = defineCommand({
  name: 'proposal',
  summary: 'The fewest grants under which shadow mode would have held nothing',
  details:
    'Where the guard only watches, this is what it would have asked about. --apply makes these grants after you have seen them; one that changed meanwhile is refused.',
  options: {
    apply: { type: 'boolean', description: 'Make these grants' },
    yes: { type: 'boolean', short: 'y', description: 'Ask nothing before' },
    json: jsonOption,
    ...gatewayOptions,
  },
  positionals: [],
  examples: [
    { command: 'cara approvals proposal', does: 'Shows what you would have to allow' },
    { command: 'cara approvals proposal --apply', does: 'Shows it, asks, and allows it' },
  ],
  exitCodes: codes,
  run: (context, parsed) =>
    connected(context, target(parsed.text('host'), parsed.number('port')), async (client) => {
      const { proposalResult } = await import('../../contracts/ws/approvals.ts')
      const found = understood(proposalResult, await client.call('approvals.proposal', {}))
      const isJson = parsed.flag('json')
      const applies = parsed.flag('apply') && found.proposals.length > 0
      if (isJson && !applies) printJson(context.io, found)
      if (!isJson) {
        context.io.write(`${found.calls} ${found.calls === 1 ? 'call' : 'calls'} would have been held\n`)
        const rows = found.proposals.map((one) => [one.unlock, one.tool, one.values.join(', ') || (one.shape ?? ''), String(one.covers)])
        if (rows.length > 0) table(context.io, ['reach', 'tool', 'what', 'calls'], rows)
      }
      if (!applies) return exitCodes.ok
      const { applyProposal } = await import('../approvals/apply-proposal.ts')
      return applyProposal(context.io, client, found.hash, { isSure: parsed.flag('yes'), isJson })
    }),
})

export const group: CommandGroup = {
  name: 'approvals',
  summary: 'Calls that wait for your word, and what you allowed',
  commands: [list, show, allow, deny, grants, revoke, proposal],
  otherwise: 'list',
}

async function fetchAll(client: GatewayClient, ids: readonly string[]): Promise<readonly ApprovalView[]> {
  const { approvalsGetResult } = await import('../../contracts/ws/approvals.ts')
  const found: z.infer<typeof approvalsGetResult>['approval'][] = []
  for (const id of ids) found.push(understood(approvalsGetResult, await client.call('approvals.get', { id })).approval)
  return found
}

async function answer(
  context: CliContext,
  client: GatewayClient,
  isJson: boolean,
  asked: readonly ApprovalView[],
  make: (approval: ApprovalView) => Answer,
): Promise<number> {
  const { resolve, said } = await import('../approvals/answer.ts')
  const answers = asked.map(make)
  const approvals = await resolve(client, answers)
  if (isJson) printJson(context.io, { approvals })
  else
    for (const each of answers) {
      const { tool, destinations } = asked.find(({ id }) => id === each.id) ?? { tool: '', destinations: [] }
      context.io.write(`${said(each, asked)}: ${oneLine(tool, 64)}${destinations.length === 0 ? '' : ` to ${oneLine(destinations.join(', '))}`}\n`)
    }
  return exitCodes.ok
}

async function editedInput(context: CliContext, edit: string | undefined, ids: readonly string[]): Promise<Answer['input']> {
  if (edit === undefined) return undefined
  if (ids.length > 1) throw new AppError('cli/usage', '--edit is for one question', { hint: 'allow the others by another command' })
  const { parseJson } = await import('../approvals/answer.ts')
  const { readInput } = await import('../read-input.ts')
  const value = parseJson(edit === '-' ? await readInput(context.io) : edit)
  if (value === undefined)
    throw new AppError('cli/usage', '--edit is not JSON', { hint: 'give the whole arguments, for example --edit \'{"to": "ann@example.org"}\'' })
  return value
}

function asUnlock(text: string | undefined): ApprovalView['unlocks'][number] {
  return text === 'session' || text === 'destination' || text === 'always' ? text : 'once'
}
