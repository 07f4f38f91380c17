/** Messages out of an editor's lines: one at a time, pasted lines joined, a bounded number waiting. */
import type { Interface } from 'node:readline'

const MAX_WAITING = 16

export class ChatLines {
  readonly #editor: Interface
  readonly #refuse: ((why: string) => void) | null
  readonly #waiting: string[] = []
  #pasted: string[] = []
  #isPasting = false
  #ended = false
  #wake: (() => void) | null = null
  #urgent: (line: string) => boolean = () => false
  #asked: ((line: string | null) => void) | null = null
  #isAsking = false

  /** `refuse` tells a person that a line was dropped; null: input is held back instead. */
  constructor(editor: Interface, input: NodeJS.EventEmitter, refuse: ((why: string) => void) | null) {
    this.#editor = editor
    this.#refuse = refuse
    input.on('keypress', (_text: unknown, key: { readonly name?: string } | undefined) => {
      if (key?.name === 'paste-start') this.#isPasting = true
      if (key?.name === 'paste-end') this.#isPasting = false
    })
    editor.on('line', (line) => this.#take(line))
    editor.on('close', () => this.#finish())
  }

  /** Asked first for every line; what it takes is not a message. */
  onUrgent(listener: (line: string) => boolean): void {
    this.#urgent = listener
  }

  /** While somebody is asked, no line is a message; one that comes before he has read the question is nothing. */
  ask(isAsking: boolean): void {
    this.#isAsking = isAsking
  }

  /** The next line that is typed from now on. Null when the signal aborts, and at the end. */
  async answer(signal: AbortSignal): Promise<string | null> {
    if (this.#ended || signal.aborted) return null
    const { promise, resolve } = Promise.withResolvers<string | null>()
    const giveUp = () => resolve(null)
    this.#asked = resolve
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await promise
    } finally {
      this.#asked = null
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** The next message, or null at the end. One caller at a time. */
  async next(): Promise<string | null> {
    while (this.#waiting.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
    const line = this.#waiting.shift() ?? null
    if (this.#refuse === null && this.#waiting.length < MAX_WAITING / 2 && !this.#ended) this.#editor.resume()
    return line
  }

  /** Ends now; what waits is dropped. */
  end(): void {
    this.#waiting.length = 0
    this.#finish()
  }

  /** The end of input: what waits is still handed out. */
  #finish(): void {
    this.#ended = true
    this.#asked?.(null)
    this.#wake?.()
  }

  #take(line: string): void {
    if (this.#isPasting) {
      this.#pasted.push(line)
      return
    }
    const message = [...this.#pasted, line].join('\n')
    this.#pasted = []
    if (this.#ended || this.#urgent(message)) return
    if (this.#asked !== null) return this.#asked(message)
    if (this.#isAsking) return
    if (this.#waiting.length >= MAX_WAITING && this.#refuse !== null) {
      this.#refuse(`${MAX_WAITING} messages wait already: this one was dropped`)
      return
    }
    this.#waiting.push(message)
    if (this.#refuse === null && this.#waiting.length >= MAX_WAITING) this.#editor.pause()
    this.#wake?.()
  }
}
