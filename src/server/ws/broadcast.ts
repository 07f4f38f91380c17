/** Tells every connection what turns do, as `agent` and `chat` events. A payload is written once for all; text of a few milliseconds goes together. */
import type { TurnEvent, TurnResult } from '../../contracts/turn.ts'
import { wsLimits } from '../../contracts/ws-protocol.ts'
import type { AgentEvent, ChatEvent } from '../../contracts/ws-results.ts'
import type { TurnAddress } from '../../gateway/gateway.ts'
import { viewApproval } from '../approval-view.ts'
import { viewResult } from '../turn-view.ts'

const PIECE_MS = 5
/** Characters of one turn that are kept back at most. */
const MAX_PENDING = 64 * 1024

/** Gets the JSON text of a payload. */
export type Deliver = (event: 'agent' | 'chat', payload: string) => void

interface Pending {
  readonly turn: TurnAddress
  readonly stream: 'text' | 'reasoning'
  text: string
}

export class TurnBroadcast {
  readonly #deliver: Deliver
  readonly #pending = new Map<string, Pending>()
  #sentAt = 0

  constructor(deliver: Deliver) {
    this.#deliver = deliver
  }

  hear(turn: TurnAddress, event: TurnEvent): void {
    if (event.type === 'text-delta') return this.#hold(turn, 'text', event.text)
    if (event.type === 'reasoning-delta') return this.#hold(turn, 'reasoning', event.text)
    this.#release(turn.turnId)
    const run = { runId: turn.turnId, sessionKey: turn.sessionKey }
    switch (event.type) {
      case 'turn-started':
        return this.#agent({ ...run, stream: 'started', data: { model: event.model, demo: event.demo } })
      case 'model-switched':
        return this.#agent({ ...run, stream: 'model_switched', data: { from: event.from, to: event.to, reason: event.reason } })
      case 'model-retried':
        return this.#agent({ ...run, stream: 'model_retried', data: { model: event.model, reason: event.reason, waitMs: event.waitMs } })
      case 'tool-started':
        return this.#agent({ ...run, stream: 'tool_use', data: { callId: event.callId, tool: event.tool, input: event.input } })
      case 'tool-finished':
        return this.#agent({ ...run, stream: 'tool_result', data: { ...event.outcome } })
      case 'approval-requested':
        return this.#agent({ ...run, stream: 'approval', data: { approvals: event.approvals.map(viewApproval) } })
      case 'turn-finished':
        return this.#finish(run, event.result)
      default:
        event satisfies never
    }
  }

  #finish(run: { readonly runId: string; readonly sessionKey: string | null }, result: TurnResult): void {
    const stream = result.status === 'completed' ? 'complete' : result.status === 'cancelled' ? 'cancelled' : 'error'
    this.#agent({ ...run, stream, data: { result: viewResult(result) } })
    if (result.status === 'completed') {
      this.#chat({ ...run, state: 'final', text: result.text, model: result.model, usage: result.usage, costUsd: result.costUsd })
    } else if (result.status === 'cancelled') this.#chat({ ...run, state: 'aborted', text: result.text })
    else {
      const { code, message, hint } = result.error ?? { code: 'internal', message: 'The turn failed' }
      this.#chat({ ...run, state: 'error', error: { code, message, ...(hint === undefined ? {} : { hint }) } })
    }
  }

  #hold(turn: TurnAddress, stream: Pending['stream'], text: string): void {
    const held = this.#pending.get(turn.turnId)
    if (held !== undefined && held.stream === stream && held.text.length < MAX_PENDING) {
      held.text += text
      return
    }
    this.#release(turn.turnId)
    if (this.#pending.size === 0) this.#plan()
    this.#pending.set(turn.turnId, { turn, stream, text })
  }

  #plan(): void {
    if (performance.now() - this.#sentAt >= PIECE_MS) setImmediate(() => this.#releaseAll())
    else setTimeout(() => this.#releaseAll(), PIECE_MS)
  }

  #releaseAll(): void {
    this.#sentAt = performance.now()
    for (const turnId of this.#pending.keys()) this.#release(turnId)
  }

  #release(turnId: string): void {
    const held = this.#pending.get(turnId)
    if (held === undefined) return
    this.#pending.delete(turnId)
    const run = { runId: turnId, sessionKey: held.turn.sessionKey }
    this.#agent({ ...run, stream: held.stream, data: { delta: held.text } })
    if (held.stream === 'text') this.#chat({ ...run, state: 'delta', delta: held.text })
  }

  #agent(payload: AgentEvent): void {
    const text = JSON.stringify(payload)
    const bytes = measure(text)
    const { runId, sessionKey, stream } = payload
    this.#deliver('agent', bytes <= wsLimits.maxBroadcastPayload ? text : JSON.stringify({ runId, sessionKey, stream, data: { truncated: true, bytes } }))
  }

  #chat(payload: ChatEvent): void {
    const text = JSON.stringify(payload)
    const bytes = measure(text)
    const { runId, sessionKey, state } = payload
    this.#deliver('chat', bytes <= wsLimits.maxBroadcastPayload ? text : JSON.stringify({ runId, sessionKey, state, truncated: true, bytes }))
  }
}

/** Exact only where it may matter. */
function measure(text: string): number {
  return text.length * 3 <= wsLimits.maxBroadcastPayload ? text.length : Buffer.byteLength(text)
}
