/** One piece of what a conversation has shown. It is read for values only when a call asks for them, and then once. */
import type { Origin } from '../../contracts/origin.ts'
import { squeeze, words, type Word } from './fold.ts'
import { readRecords, type ResultRecord } from './records.ts'
import { extract, isTyped, type Found, type Value } from './values.ts'

/** `owner`: his own words. `trusted`: his own or the system's facts. `curated`: a provider's catalogue or directory. `untrusted`: anybody's. */
export type Standing = 'owner' | 'trusted' | 'curated' | 'untrusted'

export class Piece {
  readonly text: string
  readonly standing: Standing
  readonly origin: Origin
  /** For people: `a result of mail_search`, `your words`. */
  readonly label: string
  /** How many calls had been made before this was said. */
  readonly at: number
  /** The address or path that was looked up for it, where that is what the call's arguments mean. */
  readonly source: readonly string[]
  /** Whether the call had an effect: then what it answers describes what the model itself has made. */
  readonly isReceipt: boolean
  readonly #structured: boolean
  #words: readonly Word[] | null = null
  #places: ReadonlyMap<string, readonly number[]> | null = null
  #squeezed: string | null = null
  #found: Found | null = null
  #records: readonly ResultRecord[] | null = null

  constructor(facts: Pick<Piece, 'text' | 'standing' | 'origin' | 'label' | 'at' | 'source' | 'isReceipt'> & { readonly structured: boolean }) {
    this.text = facts.text
    this.standing = facts.standing
    this.origin = facts.origin
    this.label = facts.label
    this.at = facts.at
    this.source = facts.source
    this.isReceipt = facts.isReceipt
    this.#structured = facts.structured
  }

  get words(): readonly Word[] {
    return (this.#words ??= words(this.text))
  }

  get found(): Found {
    return (this.#found ??= extract(this.text))
  }

  /** Empty where third parties write the whole text, and could write records. */
  get records(): readonly ResultRecord[] {
    return (this.#records ??= this.#structured ? readRecords(this.text) : [])
  }

  get squeezed(): string {
    return (this.#squeezed ??= squeeze(this.text))
  }

  /** Where a value begins, as word indexes. */
  places(wanted: readonly Word[]): readonly number[] {
    this.#places ??= indexOf(this.words)
    const starts = this.#places.get(wanted[0]?.text ?? '') ?? []
    return wanted.length < 2 ? starts : starts.filter((start) => wanted.every(({ text }, offset) => this.words[start + offset]?.text === text))
  }

  /** Values of a kind are compared by their normal form, names word by word. */
  has(value: Value): boolean {
    return isTyped(value) ? this.found[value.kind].has(value.key) : this.places(words(value.key)).length > 0
  }
}

function indexOf(all: readonly Word[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>()
  for (const [index, { text }] of all.entries()) {
    const known = places.get(text)
    if (known === undefined) places.set(text, [index])
    else known.push(index)
  }
  return places
}
