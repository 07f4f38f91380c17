/** What a line that begins with `/` does. */
import { randomUUID } from 'node:crypto'
import { approvalsListResult } from '../contracts/ws/approvals.ts'
import { modelsListResult } from '../contracts/ws/models.ts'
import { sessionsListResult } from '../contracts/ws/sessions.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { ApprovalView } from './approvals/question.ts'
import type { CliContext } from './context.ts'
import { didYouMean } from './nearest.ts'
import { oneLine, painter, table, time } from './output.ts'
import { understood } from './understood.ts'

export interface ChatState {
  sessionKey: string
  model: string | undefined
  /** Whether this session has said that its model is the demo. */
  labelled: boolean
  /** Questions that a command wants asked. */
  toAsk: readonly ApprovalView[]
  /** Whether a turn of this session may wait for the owner. */
  mayWait: boolean
}

/** Questions that are shown at once. */
const MAX_ASKED = 10

export const DEFAULT_SESSION = 'cli-chat'

export function newSessionKey(): string {
  return `${DEFAULT_SESSION}-${randomUUID().slice(0, 8)}`
}

interface ChatCommand {
  readonly name: string
  readonly argument?: string
  readonly does: string
  run(context: CliContext, client: GatewayClient, state: ChatState, argument: string): Promise<'exit' | undefined>
}

const commands: readonly ChatCommand[] = [
  { name: '/help', does: 'this list', run: help },
  { name: '/new', does: 'begin another session', run: startNew },
  {
    name: '/stop',
    does: 'stop the answer that is being written',
    run: (context) => say(context, 'nothing is being answered'),
  },
  { name: '/model', argument: '[NAME]', does: 'show the models, or use one from now on (`default` goes back)', run: chooseModel },
  { name: '/sessions', does: 'the newest sessions; `/sessions KEY` goes on in one', argument: '[KEY]', run: sessions },
  { name: '/approvals', does: 'what waits for your word, and answer it', run: approvals },
  { name: '/exit', does: 'leave', run: () => Promise.resolve('exit') },
]

export async function runChatCommand(context: CliContext, client: GatewayClient, state: ChatState, line: string): Promise<'exit' | undefined> {
  const [, word = '', argument = ''] = /^(\S+)\s*([^]*)$/.exec(line) ?? []
  const command = commands.find((one) => one.name === word || (word === '/quit' && one.name === '/exit'))
  if (command !== undefined) return command.run(context, client, state, argument.trim())
  const names = commands.map((one) => one.name)
  return say(context, `there is no ${oneLine(word, 40)}. ${didYouMean(word, names) ?? `Known: ${names.join(' ')}`}`)
}

async function say(context: CliContext, text: string): Promise<undefined> {
  context.io.write(`${painter(context.io).dim(text)}\n`)
}

function help(context: CliContext): Promise<undefined> {
  const rows = commands.map((one) => `  ${`${one.name} ${one.argument ?? ''}`.padEnd(20)}${one.does}`)
  context.io.write(`${rows.join('\n')}\n`)
  return Promise.resolve(undefined)
}

function startNew(context: CliContext, _client: GatewayClient, state: ChatState): Promise<undefined> {
  state.sessionKey = newSessionKey()
  state.labelled = false
  return say(context, `session ${state.sessionKey}`)
}

async function chooseModel(context: CliContext, client: GatewayClient, state: ChatState, name: string): Promise<undefined> {
  const list = understood(modelsListResult, await client.call('models.list'))
  if (name === '') {
    const current = state.model ?? list.default.name
    for (const model of list.models) context.io.write(`${model.name === current ? '*' : ' '} ${oneLine(model.name)}\n`)
    return undefined
  }
  if (name === 'default') {
    state.model = undefined
    return say(context, `model ${list.default.name ?? 'none'}`)
  }
  const names = list.models.map((model) => model.name)
  // Providers take models that they do not list; only a name that no provider could have is refused.
  if (!names.includes(name) && !/^[a-z0-9-]+:./.test(name))
    return say(context, `no such model. ${didYouMean(name, names) ?? 'Write provider:model, or /model for a list'}`)
  state.model = name
  return say(context, `model ${oneLine(name)}`)
}

async function sessions(context: CliContext, client: GatewayClient, state: ChatState, key: string): Promise<undefined> {
  if (key !== '') {
    state.sessionKey = key
    state.labelled = false
    state.mayWait = true
    return say(context, `session ${oneLine(key)}`)
  }
  const { sessions: rows } = understood(sessionsListResult, await client.call('sessions.list', { limit: 20 }))
  if (rows.length === 0) return say(context, 'no session is kept yet')
  table(
    context.io,
    ['', 'session', 'messages', 'last activity (UTC)', 'title'],
    rows.map((row) => [row.key === state.sessionKey ? '*' : '', row.key, String(row.messageCount), time(row.lastActivityAt), row.title ?? '']),
  )
  return undefined
}

async function approvals(context: CliContext, client: GatewayClient, state: ChatState): Promise<undefined> {
  state.toAsk = await questionsOf(client)
  return state.toAsk.length === 0 ? say(context, 'nothing waits') : undefined
}

/** The oldest that wait, of one conversation or of all. */
export async function questionsOf(client: GatewayClient, sessionKey?: string): Promise<readonly ApprovalView[]> {
  const query = { limit: MAX_ASKED, ...(sessionKey === undefined ? {} : { sessionKey }) }
  return understood(approvalsListResult, await client.call('approvals.list', query)).approvals
}
