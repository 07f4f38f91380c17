/**
 * The chat on a terminal. Lines that come while a turn runs wait for its end, `/stop` and Ctrl-C act at once. A pasted text is one message, however many lines it
 * has. Without a terminal every line is a message, answered in order.
 */
import { createInterface } from 'node:readline'
import { AppError, exposed } from '../contracts/errors.ts'
import type { AgentEvent } from '../contracts/ws/agent.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import { type Answered, showQuestions } from './approvals/answer.ts'
import { askOwner, howToAnswer, type ReadLine } from './approvals/ask-owner.ts'
import type { ApprovalView } from './approvals/question.ts'
import { type ChatState, DEFAULT_SESSION, newSessionKey, questionsOf, runChatCommand } from './chat-commands.ts'
import { ChatLines } from './chat-lines.ts'
import type { CliContext } from './context.ts'
import { painter, printError } from './output.ts'
import { followTurn, isWaiting, runTurn, type TurnListener, type TurnResult, type WaitingTurn } from './run-turn.ts'
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
    toAsk: [],
    mayWait: true,
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
  const readLine: ReadLine = async (prompt, signal, prefill) => {
    // What was being typed was no answer.
    editor.write(null, { ctrl: true, name: 'e' })
    editor.write(null, { ctrl: true, name: 'u' })
    editor.setPrompt(prompt)
    editor.prompt()
    if (prefill !== undefined) editor.write(prefill)
    try {
      return await lines.answer(signal)
    } finally {
      editor.setPrompt(paint.bold(PROMPT))
    }
  }
  const asking: Asking = !isTerminal
    ? null
    : async (asked, signal) => {
        lines.ask(true)
        try {
          return (await askOwner(io, client, asked, readLine, signal)).how
        } finally {
          lines.ask(false)
        }
      }
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
          await followAnswered(context, client, state, asking, turn.signal)
        } else await answer(context, client, state, text, asking, turn.signal)
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

/** Null without a terminal: then nobody is asked. */
type Asking = ((asked: readonly ApprovalView[], signal: AbortSignal) => Promise<Answered['how']>) | null

async function answer(context: CliContext, client: GatewayClient, state: ChatState, message: string, asking: Asking, signal: AbortSignal): Promise<void> {
  if (state.mayWait && !(await isFree(context, client, state, asking, signal))) return
  const request = { message, sessionKey: state.sessionKey, ...(state.model === undefined ? {} : { model: state.model }) }
  await shown(context, client, state, asking, signal, (listener) => runTurn(client, request, listener, signal))
}

/** A message would stand behind a turn that waits for the owner, and seem to be lost: he is asked first. */
async function isFree(context: CliContext, client: GatewayClient, state: ChatState, asking: Asking, signal: AbortSignal): Promise<boolean> {
  state.toAsk = await questionsOf(client, state.sessionKey)
  state.mayWait = state.toAsk.length > 0
  if (!state.mayWait || asking === null) return true
  await followAnswered(context, client, state, asking, signal)
  if (!state.mayWait) return true
  context.io.write(`${painter(context.io).dim('not sent: this conversation waits for your word. Answer it, or begin another with /new')}\n`)
  return false
}

/** `/approvals` has asked for the answers; turns of this conversation that had waited go on here. */
async function followAnswered(context: CliContext, client: GatewayClient, state: ChatState, asking: Asking, signal: AbortSignal): Promise<void> {
  const asked = state.toAsk
  state.toAsk = []
  if (asked.length === 0) return
  if (asking === null) return showQuestions(context.io, asked, Date.now())
  if ((await asking(asked, signal)) === 'left') return
  state.mayWait = false
  const runs = new Set(asked.filter(({ sessionKey }) => sessionKey === state.sessionKey).map(({ runId }) => runId))
  for (const runId of runs) await shown(context, client, state, asking, signal, (listener) => followTurn(client, runId, listener, signal))
}

async function shown(
  { io }: CliContext,
  client: GatewayClient,
  state: ChatState,
  asking: Asking,
  signal: AbortSignal,
  turn: (listener: TurnListener) => Promise<TurnResult | WaitingTurn>,
): Promise<void> {
  const view = new TurnView(io, { showLabel: !state.labelled })
  const onEvent = (event: AgentEvent) => {
    if (event.stream === 'started') state.labelled = true
    view.show(event)
  }
  const onWaiting = async (asked: readonly ApprovalView[]) => {
    view.pause()
    if (asking !== null) return (await asking(asked, signal)) !== 'left'
    showQuestions(io, asked, Date.now())
    return false
  }
  const end = await turn({ onEvent, onWaiting })
  if (!isWaiting(end)) return view.finish(end)
  state.mayWait = true
  io.write(`${painter(io).dim(asking === null ? howToAnswer(end.waiting) : 'left waiting: /approvals shows it again')}\n`)
}
