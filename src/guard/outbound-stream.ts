/**
 * The outbound checkpoint for text that leaves in pieces. Keeps back exactly the characters at the end that may still become something (a secret, a tag, a link), so that nothing leaves in
 * halves, and what leaves does not depend on where the pieces are cut.
 */
import type { SecretRegistry } from '../contracts/log.ts'
import { argument, outbound } from './pipeline.ts'
import { clearNow } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'
import type { OutboundContext, OutboundText } from './stages/message/outbound-facts.ts'
import { codeIn, NO_CODE, type CodeState } from './text/code.ts'

/** What stays undecided for longer is taken as it is; a known secret never is. */
const MAX_PENDING = 8192
/** What left is remembered as far as something may begin in it. */
const MAX_BEFORE = 512
/** More than a mark has. */
const MAX_LEFT = 32

export class OutboundStream {
  readonly #context: OutboundContext
  readonly #report: Reporter
  #pending = ''
  #before = ''
  #left = ''
  #earlier: string
  #code: CodeState = NO_CODE

  /** `earlier`: what left of the same turn before, so that nothing is spread over several messages. */
  constructor(context: OutboundContext, report: Reporter, earlier = '') {
    this.#context = context
    this.#report = report
    this.#earlier = earlier.slice(-MAX_BEFORE)
  }

  /** What may leave now; possibly nothing. */
  push(delta: string): string {
    this.#pending += delta
    return this.#release(this.#ready())
  }

  /** Nothing may leave yet: nobody would hear it before the end. */
  keep(delta: string): '' {
    this.#pending += delta
    return ''
  }

  /** What was kept back, when no more comes. */
  end(): string {
    return this.#release(this.#pending.length)
  }

  /** How much of what waits is decided: up to where nothing of it is open for any stage. */
  #ready(): number {
    const ready = this.#readyFor((value) => Math.max(0, ...outbound.stages.map((stage) => stage.unfinished(value, this.#context))))
    if (this.#pending.length - ready <= MAX_PENDING) return ready
    const { secrets } = this.#context
    return this.#readyFor(({ text, earlier }) => Math.max(secrets.heldBack(text), Math.min(text.length, secrets.splitHeldBack(earlier + text))))
  }

  #readyFor(unfinished: (value: OutboundText) => number): number {
    let ready = this.#pending.length
    for (let held = -1; held !== 0 && ready > 0;) {
      held = unfinished(this.#value(ready))
      ready -= Math.min(held, ready)
    }
    return ready
  }

  #release(length: number): string {
    if (length === 0) return ''
    const value = this.#value(length)
    const whole = this.#before + value.text
    this.#code = codeIn(whole, this.#before.length, this.#code).state
    this.#before = whole.slice(-MAX_BEFORE)
    this.#earlier = ''
    this.#pending = this.#pending.slice(length)
    const decision = clearNow(outbound, value, this.#context, this.#report)
    // A refused text leaves nothing.
    const leaving = decision.ok ? decision.value.text : ''
    this.#left = (this.#left + leaving).slice(-MAX_LEFT)
    return leaving
  }

  #value(length: number): OutboundText {
    return {
      text: length === this.#pending.length ? this.#pending : this.#pending.slice(0, length),
      before: this.#before,
      left: this.#left,
      earlier: this.#earlier,
      code: this.#code,
    }
  }
}

/** One text of a call's arguments; a refused one is empty. */
export function clearArgument(text: string, context: { readonly secrets: SecretRegistry }, report: Reporter): string {
  const decision = clearNow(argument, { text }, context, report)
  return decision.ok ? decision.value.text : ''
}

/** A whole text through the same checkpoint. */
export function clearText(text: string, context: OutboundContext, report: Reporter): string {
  const stream = new OutboundStream(context, report)
  return stream.push(text) + stream.end()
}
