/** One turn through a gateway: sends the message, hands on what happens, ends with the result. */
import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import { agentEvent, agentResult, agentWaitResult, type AgentEvent } from '../contracts/ws/agent.ts'
import { chatSendResult } from '../contracts/ws/chat.ts'
import type { turnResult } from '../contracts/ws/shared.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { ApprovalView } from './approvals/question.ts'
import { understood } from './understood.ts'

export type TurnResult = z.infer<typeof turnResult>

/** A turn that was left while it waits for the owner: it goes on when he answers, wherever he does. */
export interface WaitingTurn {
  readonly runId: string
  readonly waiting: readonly ApprovalView[]
}

export interface TurnListener {
  /** In order, and never after the end. */
  readonly onEvent: (event: AgentEvent) => void
  /** Whether to go on waiting for the end. Absent: without a word. */
  readonly onWaiting?: (asked: readonly ApprovalView[]) => Promise<boolean>
}

export interface TurnRequest {
  readonly message: string
  /** Absent: nothing is kept and nothing was before. */
  readonly sessionKey?: string
  readonly model?: string
}

/** Events that come before the answer that names the run; a turn cannot have made more by then. */
const MAX_EARLY_EVENTS = 10_000
const WAIT_MS = 600_000

/** An aborted signal cancels the turn at the gateway; its result then says so. */
export async function runTurn(client: GatewayClient, request: TurnRequest, listener: TurnListener, signal: AbortSignal): Promise<TurnResult | WaitingTurn> {
  return heard(client, () => send(client, request), listener, signal)
}

/** A turn that began before, to its end. */
export async function followTurn(client: GatewayClient, runId: string, listener: TurnListener, signal: AbortSignal): Promise<TurnResult | WaitingTurn> {
  return heard(client, () => Promise.resolve(runId), listener, signal)
}

async function heard(client: GatewayClient, begin: () => Promise<string>, listener: TurnListener, signal: AbortSignal): Promise<TurnResult | WaitingTurn> {
  const early: AgentEvent[] = []
  let runId: string | null = null
  let told: TurnResult | null = null
  const hear = (event: AgentEvent) => {
    if ('result' in event.data) told = event.data.result
    listener.onEvent(event)
  }
  const stop = client.onEvent((name, payload) => {
    const parsed = name === 'agent' ? agentEvent.safeParse(payload) : undefined
    if (parsed?.success !== true) return
    if (runId === null && early.length < MAX_EARLY_EVENTS) early.push(parsed.data)
    else if (parsed.data.runId === runId) hear(parsed.data)
  })
  try {
    runId = await begin()
    for (const event of early) if (event.runId === runId) hear(event)
    return await finish(client, runId, listener.onWaiting, signal)
  } catch (error) {
    // A gateway that stops lets the turn end and tells so, but may close before it answers.
    if (told !== null && error instanceof AppError && error.code === 'gateway/unreachable') return told
    throw error
  } finally {
    stop()
  }
}

async function send(client: GatewayClient, request: TurnRequest): Promise<string> {
  const { message, sessionKey, model } = request
  const params = { message, idempotencyKey: randomUUID(), ...(sessionKey === undefined ? {} : { sessionKey }), ...(model === undefined ? {} : { model }) }
  if (sessionKey === undefined) return understood(agentResult, await client.call('agent', params)).runId
  return understood(chatSendResult, await client.call('chat.send', params)).runId
}

async function finish(client: GatewayClient, runId: string, onWaiting: TurnListener['onWaiting'], signal: AbortSignal): Promise<TurnResult | WaitingTurn> {
  const lost = new AbortController()
  const abort = () => void client.call('chat.abort', { runId, reason: 'cancelled by the user' }).catch((error: unknown) => lost.abort(error))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      // Once it is cancelled, only its end is of interest.
      const untilEnd = onWaiting === undefined || signal.aborted
      const end = understood(agentWaitResult, await client.call('agent.wait', { runId, timeoutMs: WAIT_MS, untilEnd }, lost.signal))
      if (end.status === 'timeout') continue
      if (end.status === 'waiting') {
        // Answers and events share the connection: what was said before the question is shown before it.
        await client.call('health')
        const waiting = end.approvals ?? []
        if (onWaiting === undefined || signal.aborted || (await onWaiting(waiting)) || signal.aborted) continue
        return { runId, waiting }
      }
      if (end.result === undefined) throw new AppError('turn/not-found')
      // Once this one is back, every event before it has been heard.
      await client.call('health')
      return end.result
    }
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

export function isWaiting(end: TurnResult | WaitingTurn): end is WaitingTurn {
  return 'waiting' in end
}
