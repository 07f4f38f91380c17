/**
 * The chat on a terminal. Lines that come while a turn runs wait for its end, `/stop` and Ctrl-C act at once. A pasted text is one message, however many lines it
 * has. Without a terminal every line is a message, answered in order.
 */
import { createInterface } from 'node:readline'
import { AppError, exposed } from '../contracts/errors.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import { type ChatState, DEFAULT_SESSION, newSessionKey, runChatCommand } from './chat-commands.ts'
import { ChatLines } from './chat-lines.ts'
import type { CliContext } from './context.ts'
import { painter, printError } from './output.ts'
import { runTurn } from './run-turn.ts'
import { TurnView } from './turn-view.ts'

export interface ChatOptions {
  readonly sessionKey?: string
  /** Begin a session that did not exist. */
  readonly isNew?: boolean
  readonly model?: string
}

const PROMPT = '› '
const PASTE_MARKS = { on: '\u001b[?2004h', off: '\u001b[?2004l' }

/** Resolves when the user leaves; rejects when the gateway is lost. */
export async function chat(context: CliContext, client: GatewayClient, options: ChatOptions): Promise<void> {
  const { io } = context
  const isTerminal = io.isTerminal && io.isInputTerminal
  const paint = painter(io)
  const state: ChatState = {
    sessionKey: options.sessionKey ?? (options.isNew === true ? newSessionKey() : DEFAULT_SESSION),
    model: options.model,
    labelled: false,
  }
  if (isTerminal) io.write(`${paint.dim(`session ${state.sessionKey} · /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves`)}\n`)
  const editor = createInterface({
    input: io.input,
    output: isTerminal ? io.output : undefined,
    terminal: isTerminal,
    prompt: paint.bold(PROMPT),
    historySize: 200,
  })
  const lines = new ChatLines(editor, io.input, isTerminal ? (why) => io.write(`${paint.dim(why)}\n`) : null)
  let turn: AbortController | null = null
  let isLost = false

  const interrupt = () => {
    if (turn !== null) turn.abort()
    else if (editor.line === '') lines.end()
    else {
      editor.write(null, { ctrl: true, name: 'e' })
      editor.write(null, { ctrl: true, name: 'u' })
    }
  }
  editor.on('SIGINT', interrupt)
  const stopListening = io.onSignal((signal) => (signal === 'SIGTERM' ? lines.end() : interrupt()))
  lines.onUrgent((line) => {
    if (turn === null || line.trim() !== '/stop') return false
    turn.abort()
    return true
  })
  const watch = async () => {
    await client.closed
    isLost = true
    lines.end()
  }
  void watch()
  if (isTerminal) io.output.write(PASTE_MARKS.on)
  try {
    for (;;) {
      if (isTerminal) editor.prompt(true)
      const line = await lines.next()
      if (line === null) break
      const text = line.trim()
      if (text === '') continue
      turn = new AbortController()
      try {
        if (text.startsWith('/')) {
          if ((await runChatCommand(context, client, state, text)) === 'exit') break
        } else await answer(context, client, state, text, turn.signal)
      } catch (error) {
        const shown = exposed(error)
        if (shown.code === 'gateway/unreachable') throw shown
        printError(io, shown, false)
      } finally {
        turn = null
      }
    }
    if (isLost)
      throw new AppError('gateway/unreachable', 'the connection was lost', {
        hint: 'start the gateway again; what it had accepted is kept and will be answered',
      })
  } finally {
    if (isTerminal) io.output.write(`${PASTE_MARKS.off}\n`)
    stopListening()
    editor.close()
  }
}

async function answer(context: CliContext, client: GatewayClient, state: ChatState, message: string, signal: AbortSignal): Promise<void> {
  const view = new TurnView(context.io, { showLabel: !state.labelled })
  const request = { message, sessionKey: state.sessionKey, ...(state.model === undefined ? {} : { model: state.model }) }
  const result = await runTurn(
    client,
    request,
    (event) => {
      if (event.stream === 'started') state.labelled = true
      view.show(event)
    },
    signal,
  )
  view.finish(result)
}
