/** `cara ask`: one turn, its answer on standard output. */
import { createInterface } from 'node:readline'
import { AppError } from '../contracts/errors.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { AgentEvent } from '../contracts/ws/agent.ts'
import { showQuestions } from './approvals/answer.ts'
import { askOwner, howToAnswer, type ReadLine } from './approvals/ask-owner.ts'
import { type ApprovalView, questionText } from './approvals/question.ts'
import type { CliContext, GatewayTarget, Terminal } from './context.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { printError, printJson, replyText } from './output.ts'
import { readInput } from './read-input.ts'
import { isWaiting, runTurn, type TurnListener, type TurnRequest, type TurnResult, type WaitingTurn } from './run-turn.ts'
import { TurnView } from './turn-view.ts'
import { withGateway } from './with-gateway.ts'

export interface Question {
  /** The message, or `-` alone for standard input. */
  readonly words: readonly string[]
  readonly isJson: boolean
  /** Without a terminal: stay until the turn has ended, whoever answers. */
  readonly wait: boolean
  readonly sessionKey?: string
  readonly model?: string
}

export async function ask(context: CliContext, gateway: GatewayTarget, { words, isJson, wait, ...more }: Question): Promise<number> {
  const request: TurnRequest = { message: await readMessage(context, words), ...more }
  const cancel = new AbortController()
  const stopListening = context.io.onSignal(() => cancel.abort())
  try {
    const turn = () => withGateway(context, { ...gateway, orEmbed: true }, (client) => answer(context, client, request, { isJson, wait }, cancel))
    const end = await turn().catch((error: unknown) => {
      // A gateway that stops accepts nothing: the question was not asked yet, and the next one can take it.
      if (error instanceof AppError && error.code === 'gateway/stopping') return turn()
      throw error
    })
    if (isJson) printJson(context.io, isWaiting(end) ? { runId: end.runId, status: 'waiting', approvals: end.waiting } : end)
    if (!isWaiting(end)) return exitCodeOfResult(context, end, isJson)
    if (!isJson) context.io.writeError(`${howToAnswer(end.waiting)}\n`)
    return exitCodes.waiting
  } finally {
    stopListening()
  }
}

async function readMessage(context: CliContext, positionals: readonly string[]): Promise<string> {
  const given = positionals.join(' ')
  const message = (given === '-' ? await readInput(context.io) : given).trim()
  if (message === '') throw new AppError('cli/usage', 'there is no text to ask', { hint: 'for example `cara ask "What is 17 * 23?"`' })
  return message
}

type How = Pick<Question, 'isJson' | 'wait'>

function answer(context: CliContext, client: GatewayClient, request: TurnRequest, how: How, cancel: AbortController): Promise<TurnResult | WaitingTurn> {
  if (how.isJson)
    return unasked(
      client,
      request,
      how,
      () => undefined,
      () => undefined,
      cancel.signal,
    )
  return context.io.isTerminal ? onTerminal(context, client, request, how, cancel) : plainly(context, client, request, how, cancel.signal)
}

/** Where nobody is there to answer: the questions are told, and then it is left, or stayed for the end. */
function unasked(
  client: GatewayClient,
  request: TurnRequest,
  { wait }: How,
  onEvent: TurnListener['onEvent'],
  show: (asked: readonly ApprovalView[]) => void,
  signal: AbortSignal,
): Promise<TurnResult | WaitingTurn> {
  const onWaiting = (asked: readonly ApprovalView[]) => {
    show(asked)
    return Promise.resolve(false)
  }
  const telling = (event: AgentEvent) => {
    if (event.stream === 'approval' && 'approvals' in event.data) show(event.data.approvals)
    onEvent(event)
  }
  return runTurn(client, request, wait ? { onEvent: telling } : { onEvent, onWaiting }, signal)
}

async function onTerminal(
  { io }: CliContext,
  client: GatewayClient,
  request: TurnRequest,
  how: How,
  cancel: AbortController,
): Promise<TurnResult | WaitingTurn> {
  const view = new TurnView(io, { showLabel: true })
  const show = (asked: readonly ApprovalView[]) => {
    view.pause()
    showQuestions(io, asked, Date.now())
  }
  if (!io.isInputTerminal) return unasked(client, request, how, (event) => view.show(event), show, cancel.signal).then((end) => finished(end, view))
  const onWaiting = async (asked: readonly ApprovalView[]) => {
    view.pause()
    const { how: end } = await askOwner(io, client, asked, lineReader(io, cancel), cancel.signal)
    return end !== 'left'
  }
  return finished(await runTurn(client, request, { onEvent: (event) => view.show(event), onWaiting }, cancel.signal), view)
}

function finished(end: TurnResult | WaitingTurn, view: TurnView): TurnResult | WaitingTurn {
  if (!isWaiting(end)) view.finish(end)
  return end
}

/** A line editor for the length of one line: nothing is read before somebody is asked. */
function lineReader(io: Terminal, cancel: AbortController): ReadLine {
  return (prompt, signal, prefill) => {
    const { promise, resolve } = Promise.withResolvers<string | null>()
    const editor = createInterface({ input: io.input, output: io.output, terminal: true, prompt })
    const end = (line: string | null) => {
      resolve(line)
      editor.close()
    }
    editor.once('line', end)
    editor.once('close', () => resolve(null))
    editor.once('SIGINT', () => cancel.abort())
    signal.addEventListener('abort', () => end(null), { once: true })
    editor.prompt()
    if (prefill !== undefined) editor.write(prefill)
    return promise
  }
}

/** As written by the model, to standard output; what waits goes to standard error. */
async function plainly({ io }: CliContext, client: GatewayClient, request: TurnRequest, how: How, signal: AbortSignal): Promise<TurnResult | WaitingTurn> {
  let streamed = ''
  const onEvent = (event: AgentEvent) => {
    if (event.stream !== 'text' || !('delta' in event.data)) return
    streamed += event.data.delta
    io.write(replyText(event.data.delta))
  }
  const show = (asked: readonly ApprovalView[]) => {
    for (const one of asked) io.writeError(questionText(one, { color: false, columns: io.columns }, Date.now(), { whole: false }))
  }
  const end = await unasked(client, request, how, onEvent, show, signal)
  if (isWaiting(end)) {
    io.write(streamed === '' || streamed.endsWith('\n') ? '' : '\n')
    return end
  }
  // Dropped deltas are made up for where they can be; printed text cannot be taken back.
  if (end.text.startsWith(streamed)) io.write(replyText(end.text.slice(streamed.length)))
  else io.write(`\n${replyText(end.text)}`)
  io.write(end.text === '' || end.text.endsWith('\n') ? '' : '\n')
  return end
}

function exitCodeOfResult(context: CliContext, result: TurnResult, isJson: boolean): number {
  if (result.status === 'completed') return exitCodes.ok
  if (result.status === 'cancelled') return exitCodes.cancelled
  const { error } = result
  if (error === undefined) return exitCodes.failed
  if (!isJson && !context.io.isTerminal) printError(context.io, { code: error.code, message: error.message, hint: error.hint }, false)
  return exitCodeOf(error.code)
}
