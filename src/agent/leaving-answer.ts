/** One answer of a model on its way out: what may leave is told while it comes, and the whole is kept as it left. */
import { TEXT_SEPARATOR } from '../contracts/message.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { clearArgument, clearText, OutboundStream } from '../guard/outbound-stream.ts'
import type { Reporter } from '../guard/stage.ts'
import type { OutboundContext } from '../guard/stages/message/outbound-facts.ts'
import { cleanAnswer, type Answer } from './call-model.ts'

export interface LeavingOptions {
  readonly context: OutboundContext
  readonly report: Reporter
  /** What left of the turn before; null when this is the first. */
  readonly earlier: string | null
  readonly emit: (event: TurnEvent) => void
  readonly wantsPieces: () => boolean
}

export class LeavingAnswer {
  readonly #options: LeavingOptions
  readonly #words: OutboundStream
  readonly #thoughts: OutboundStream
  #text = ''

  constructor(options: LeavingOptions) {
    const { context, report, earlier } = options
    this.#options = options
    this.#words = new OutboundStream(context, report, earlier ?? '')
    this.#thoughts = new OutboundStream(context, report)
  }

  say(delta: string): void {
    this.#tell(this.#options.wantsPieces() ? this.#words.push(delta) : this.#words.keep(delta))
  }

  think(delta: string): void {
    this.#reason(this.#options.wantsPieces() ? this.#thoughts.push(delta) : this.#thoughts.keep(delta))
  }

  /** Tells what was kept back, and returns all the text that left. */
  end(): string {
    this.#reason(this.#thoughts.end())
    this.#tell(this.#words.end())
    return this.#text
  }

  /** After `end`: the answer to keep. The same text through the same stages, whatever its pieces were. */
  cleaned(answer: Answer): Answer {
    const { context, report, earlier } = this.#options
    const parts = new OutboundStream(context, report, earlier ?? '')
    const texts = answer.parts.filter((part) => part.type === 'text').length
    let kept = 0
    return cleanAnswer(answer, {
      text: (part) => (texts === 1 ? this.#text : parts.push(part) + (++kept === texts ? parts.end() : '')),
      reasoning: (part) => clearText(part, context, report),
      argument: (part) => clearArgument(part, context, report),
    })
  }

  #tell(cleared: string): void {
    if (cleared === '') return
    const { earlier, emit } = this.#options
    if (this.#text === '' && earlier !== null) emit({ type: 'text-delta', text: TEXT_SEPARATOR })
    this.#text += cleared
    emit({ type: 'text-delta', text: cleared })
  }

  #reason(cleared: string): void {
    if (cleared !== '') this.#options.emit({ type: 'reasoning-delta', text: cleared })
  }
}
