/**
 * The outbound checkpoint for text that leaves in pieces. Keeps back exactly the characters at the end that may be the beginning of a secret, so that a secret never
 * leaves in halves, wherever the pieces are cut.
 */
import { outbound } from './pipeline.ts'
import { clearNow } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'
import type { OutboundContext } from './stages/message/facts.ts'

export class OutboundStream {
  readonly #context: OutboundContext
  readonly #report: Reporter
  #pending = ''

  constructor(context: OutboundContext, report: Reporter) {
    this.#context = context
    this.#report = report
  }

  /** What may leave now; possibly nothing. */
  push(delta: string): string {
    this.#pending = this.#clean(this.#pending + delta)
    const ready = this.#pending.length - this.#context.secrets.heldBack(this.#pending)
    const text = this.#pending.slice(0, ready)
    this.#pending = this.#pending.slice(ready)
    return text
  }

  /** What was kept back, when no more comes. */
  end(): string {
    const text = this.#clean(this.#pending)
    this.#pending = ''
    return text
  }

  /** A refused text leaves nothing. */
  #clean(text: string): string {
    if (text === '') return ''
    const decision = clearNow(outbound, { text }, this.#context, this.#report)
    return decision.ok ? decision.value.text : ''
  }
}
