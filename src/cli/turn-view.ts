/** A turn on the terminal: its text as it streams, one line per tool call, model changes, and what it cost. */
import type { AgentEvent } from '../contracts/ws/agent.ts'
import type { Terminal } from './context.ts'
import { MarkdownStream } from './markdown.ts'
import { clean, dollars, oneLine, painter, replyText, safeJson, seconds, type Paint } from './output.ts'
import type { TurnResult } from './run-turn.ts'

const DEMO_LABEL = 'demo model: small, built in, knows little; connect a real one with `cara setup`'

export class TurnView {
  readonly #io: Terminal
  readonly #paint: Paint
  readonly #markdown: MarkdownStream
  #atLineStart = true
  #streamed = ''
  /** What the last event printed was text of the model. */
  #inText = false
  #labelled: boolean

  /** `showLabel`: say that a demo model answers, before its first text. */
  constructor(io: Terminal, options: { readonly showLabel: boolean }) {
    this.#io = io
    this.#paint = painter(io)
    this.#markdown = new MarkdownStream(this.#paint, (text) => this.#print(text))
    this.#labelled = !options.showLabel
  }

  show(event: AgentEvent): void {
    const { data } = event
    if ('truncated' in data) return
    if (event.stream === 'text' && 'delta' in data) this.#text(data.delta)
    else if ('demo' in data) this.#started(data.demo)
    else if (event.stream === 'model_switched' && 'from' in data) this.#note(`model ${data.from} → ${data.to} (${data.reason})`)
    else if (event.stream === 'model_retried' && 'waitMs' in data) this.#note(`${data.model}: ${data.reason}, trying again in ${seconds(data.waitMs)}`)
    else if (event.stream === 'tool_result' && 'output' in data) this.#tool(data)
  }

  /** Something else is printed now. */
  pause(): void {
    this.#endText()
  }

  /** Prints what the events did not, then the closing line. */
  finish(result: TurnResult): void {
    // Deltas may have been dropped for a slow reader: the result is the truth.
    if (result.text !== '' && result.text !== this.#streamed) {
      if (result.text.startsWith(this.#streamed)) this.#text(result.text.slice(this.#streamed.length))
      else {
        this.#endText()
        this.#text(result.text)
      }
    }
    this.#endText()
    if (result.status === 'cancelled') this.#note('cancelled')
    if (result.stoppedBy !== undefined) this.#note(`stopped by the ${result.stoppedBy} budget`)
    if (result.error !== undefined) {
      this.#print(`${this.#paint.red('error:')} ${clean(result.error.message)}\n`)
      if (result.error.hint !== undefined) this.#print(`${this.#paint.dim('next:')}  ${clean(result.error.hint)}\n`)
    }
    this.#note(usageLine(result))
  }

  #started(isDemo: boolean): void {
    if (!isDemo || this.#labelled) return
    this.#labelled = true
    this.#note(DEMO_LABEL)
  }

  #text(delta: string): void {
    this.#streamed += delta
    this.#inText = true
    this.#markdown.push(replyText(delta))
  }

  #tool(outcome: { readonly tool: string; readonly input: unknown; readonly output: string; readonly isError: boolean; readonly ms: number }): void {
    this.#endText()
    const result = outcome.isError ? this.#paint.red(oneLine(outcome.output)) : oneLine(outcome.output)
    this.#print(`${this.#paint.cyan('⚙')} ${oneLine(outcome.tool)} ${this.#paint.dim(oneLine(safeJson(outcome.input)))} → ${result}\n`)
  }

  #note(text: string): void {
    this.#endText()
    this.#print(`${this.#paint.dim(oneLine(text, 400))}\n`)
  }

  #endText(): void {
    if (this.#inText) this.#markdown.end()
    this.#inText = false
    if (!this.#atLineStart) this.#print('\n')
  }

  #print(text: string): void {
    if (text === '') return
    this.#io.write(text)
    this.#atLineStart = text.endsWith('\n')
  }
}

export function usageLine(result: TurnResult): string {
  const { inputTokens, outputTokens } = result.usage
  return [
    result.model,
    `${inputTokens} tokens in`,
    `${outputTokens} out`,
    ...(result.costUsd === null ? [] : [dollars(result.costUsd)]),
    seconds(result.durationMs),
  ]
    .filter((part) => part !== '')
    .join(' · ')
}
