/** Tells every connection what turns do, as `agent` and `chat` events. A payload is written once for all; text of a few milliseconds goes together. */
import type { TurnEvent, TurnResult } from '../../contracts/turn.ts'
import { wsLimits } from '../../contracts/ws-protocol.ts'
import type { AgentEvent } from '../../contracts/ws/agent.ts'
import type { ChatEvent } from '../../contracts/ws/chat.ts'
import type { TurnAddress } from '../../gateway/gateway.ts'
import { viewEvent } from '../event-view.ts'

const PIECE_MS = 5
/** Characters of one turn that are kept back at most. */
const MAX_PENDING = 64 * 1024

/** Gets the JSON text of a payload. */
export type Deliver = (event: 'agent' | 'chat', payload: string) => void

interface Pending {
  readonly turn: TurnAddress
  readonly stream: 'text' | 'reasoning'
  text: string
  seq: number | undefined
}

export class TurnBroadcast {
  readonly #deliver: Deliver
  readonly #pending = new Map<string, Pending>()
  #sentAt = 0

  constructor(deliver: Deliver) {
    this.#deliver = deliver
  }

  hear(turn: TurnAddress, event: TurnEvent, seq?: number): void {
    if (event.type === 'text-delta') return this.#hold(turn, 'text', event.text, seq)
    if (event.type === 'reasoning-delta') return this.#hold(turn, 'reasoning', event.text, seq)
    this.#release(turn.turnId)
    this.#agent(viewEvent(turn, event, seq))
    if (event.type === 'turn-finished') this.#finish({ runId: turn.turnId, sessionKey: turn.sessionKey }, event.result)
  }

  #finish(run: { readonly runId: string; readonly sessionKey: string | null }, result: TurnResult): void {
    if (result.status === 'completed') {
      this.#chat({ ...run, state: 'final', text: result.text, model: result.model, usage: result.usage, costUsd: result.costUsd })
    } else if (result.status === 'cancelled') this.#chat({ ...run, state: 'aborted', text: result.text })
    else {
      const { code, message, hint } = result.error ?? { code: 'internal', message: 'The turn failed' }
      this.#chat({ ...run, state: 'error', error: { code, message, ...(hint === undefined ? {} : { hint }) } })
    }
  }

  #hold(turn: TurnAddress, stream: Pending['stream'], text: string, seq: number | undefined): void {
    const held = this.#pending.get(turn.turnId)
    if (held !== undefined && held.stream === stream && held.text.length < MAX_PENDING) {
      held.text += text
      held.seq = seq
      return
    }
    this.#release(turn.turnId)
    if (this.#pending.size === 0) this.#plan()
    this.#pending.set(turn.turnId, { turn, stream, text, seq })
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
    this.#agent({ ...run, stream: held.stream, data: { delta: held.text }, ...(held.seq === undefined ? {} : { turnSeq: held.seq }) })
    if (held.stream === 'text') this.#chat({ ...run, state: 'delta', delta: held.text })
  }

  #agent(payload: AgentEvent): void {
    const text = JSON.stringify(payload)
    const bytes = measure(text)
    const { data: _data, ...rest } = payload
    this.#deliver('agent', bytes <= wsLimits.maxBroadcastPayload ? text : JSON.stringify({ ...rest, data: { truncated: true, bytes } }))
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
