/** `cara ask`: one turn, its answer on standard output. */
import { text as streamText } from 'node:stream/consumers'
import { AppError } from '../contracts/errors.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { CliContext, GatewayTarget } from './context.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { printError, printJson, replyText } from './output.ts'
import { runTurn, type TurnRequest, type TurnResult } from './run-turn.ts'
import { TurnView } from './turn-view.ts'
import { withGateway } from './with-gateway.ts'

export interface Question {
  /** The message, or `-` alone for standard input. */
  readonly words: readonly string[]
  readonly isJson: boolean
  readonly sessionKey?: string
  readonly model?: string
}

export async function ask(context: CliContext, gateway: GatewayTarget, { words, isJson, ...more }: Question): Promise<number> {
  const request: TurnRequest = { message: await readMessage(context, words), ...more }
  const cancel = new AbortController()
  const stopListening = context.io.onSignal(() => cancel.abort())
  try {
    const turn = () =>
      withGateway(context, { ...gateway, orEmbed: true }, (client) =>
        isJson ? runTurn(client, request, () => undefined, cancel.signal) : answer(context, client, request, cancel.signal),
      )
    const result = await turn().catch((error: unknown) => {
      // A gateway that stops accepts nothing: the question was not asked yet, and the next one can take it.
      if (error instanceof AppError && error.code === 'gateway/stopping') return turn()
      throw error
    })
    if (isJson) printJson(context.io, result)
    return exitCodeOfResult(context, result, isJson)
  } finally {
    stopListening()
  }
}

const MAX_MESSAGE_BYTES = 512 * 1024

async function readMessage(context: CliContext, positionals: readonly string[]): Promise<string> {
  const given = positionals.join(' ')
  const message = (given === '-' ? await readAll(context) : given).trim()
  if (message === '') throw new AppError('cli/usage', 'there is no text to ask', { hint: 'for example `cara ask "What is 17 * 23?"`' })
  return message
}

async function readAll(context: CliContext): Promise<string> {
  let read = 0
  return streamText(
    (async function* () {
      for await (const chunk of context.io.input) {
        const bytes = Buffer.from(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : '')
        read += bytes.length
        if (read > MAX_MESSAGE_BYTES) throw new AppError('request/too-large', 'standard input holds more than 512 kB')
        yield bytes
      }
    })(),
  )
}

/** Streams to standard output: rendered on a terminal, as written by the model elsewhere. */
async function answer(context: CliContext, client: GatewayClient, request: TurnRequest, signal: AbortSignal): Promise<TurnResult> {
  if (context.io.isTerminal) {
    const view = new TurnView(context.io, { showLabel: true })
    const result = await runTurn(client, request, (event) => view.show(event), signal)
    view.finish(result)
    return result
  }
  let streamed = ''
  const result = await runTurn(
    client,
    request,
    (event) => {
      if (event.stream !== 'text' || !('delta' in event.data)) return
      streamed += event.data.delta
      context.io.write(replyText(event.data.delta))
    },
    signal,
  )
  // Dropped deltas are made up for where they can be; printed text cannot be taken back.
  if (result.text.startsWith(streamed)) context.io.write(replyText(result.text.slice(streamed.length)))
  else context.io.write(`\n${replyText(result.text)}`)
  context.io.write(result.text === '' || result.text.endsWith('\n') ? '' : '\n')
  return result
}

function exitCodeOfResult(context: CliContext, result: TurnResult, isJson: boolean): number {
  if (result.status === 'completed') return exitCodes.ok
  if (result.status === 'cancelled') return exitCodes.cancelled
  const { error } = result
  if (error === undefined) return exitCodes.failed
  if (!isJson && !context.io.isTerminal) printError(context.io, { code: error.code, message: error.message, hint: error.hint }, false)
  return exitCodeOf(error.code)
}
