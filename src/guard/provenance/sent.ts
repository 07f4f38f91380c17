/** What calls have sent. A result that only says it again vouches for nothing. */
import { decodings } from './decode.ts'
import { squeeze, words } from './fold.ts'
import type { Value } from './values.ts'

/** Fewer letters and digits stand in many texts by chance: they are compared as words. */
const MIN_SQUEEZED = 5

export class SentArguments {
  readonly #calls: Sent[] = []

  get count(): number {
    return this.#calls.length
  }

  /** The arguments of one call, all together: a value may be split over them. */
  add(texts: readonly string[]): void {
    this.#calls.push(new Sent(texts.join('\n')))
  }

  /** Whether the first `count` calls had sent it: as it was, spaced and cut otherwise, over several arguments or calls, or encoded. */
  includes({ key }: Value, count: number): boolean {
    const squeezed = squeeze(key)
    const calls = this.#calls.slice(0, count)
    if (squeezed.length < MIN_SQUEEZED) return calls.some((call) => call.words.has(key))
    const joined = calls.map(({ forms }) => forms[0] ?? '').join('')
    return joined.includes(squeezed) || calls.some(({ forms }) => forms.some((form) => form.includes(squeezed)))
  }
}

class Sent {
  readonly #text: string
  #forms: readonly string[] | null = null
  #words: ReadonlySet<string> | null = null

  constructor(text: string) {
    this.#text = text
  }

  /** As it is, and as its encoded words read: letters and digits alone. */
  get forms(): readonly string[] {
    return (this.#forms ??= [this.#text, ...decodings(this.#text)].map(squeeze))
  }

  get words(): ReadonlySet<string> {
    return (this.#words ??= new Set(words(this.#text).map(({ text }) => text)))
  }
}
