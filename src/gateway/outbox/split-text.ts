/**
 * Cuts a text into messages that a platform takes: where a reader would (a paragraph, a line, a sentence, a word), never inside a grapheme, a link or a mention, and inside a fenced
 * block of code only by closing it and opening it again. What alone is longer than a message is cut all the same, between graphemes, at the worst between code points.
 */
import type { TextTraits } from '../../contracts/destination.ts'
import { findFences, findStretches, lastBefore, MAX_MARKS, type Fence, type Stretch } from './text-atoms.ts'
import { measure, reach } from './text-units.ts'

export interface Piece {
  /** What is sent. */
  readonly text: string
  /** What of the text it stands for; joined, they are the text. */
  readonly source: string
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Where to cut, the best first, and which part of a message must at least be filled to cut there. */
const PLACES: readonly { readonly after: RegExp; readonly filled: number }[] = [
  { after: /\n[ \t]*\n/g, filled: 0.5 },
  { after: /\n/g, filled: 0.5 },
  { after: /[.!?…][)"'”»]?\s|[。！？]/g, filled: 0.5 },
  { after: /\s/g, filled: 0.25 },
]

/** `maxText` is at least 256: no platform takes less, and below it there might be no room to open a fence again. */
export function splitText(text: string, traits: TextTraits): readonly Piece[] {
  if (measure(text, traits.unit) <= traits.maxText) return [{ text, source: text }]
  const cutting = new Cutting(text, traits)
  const pieces: Piece[] = []
  for (let start = 0; start < text.length;) {
    const before = cutting.reopened(start)
    const end = cutting.next(start, traits.maxText - before.length)
    const source = text.slice(start, end)
    pieces.push({ text: before + source + cutting.closed(end), source })
    start = end
  }
  return pieces
}

class Cutting {
  readonly #text: string
  readonly #unit: TextTraits['unit']
  readonly #fences: readonly Fence[]
  readonly #stretches: readonly Stretch[]
  readonly #graphemes: Intl.Segments

  constructor(text: string, { unit, markup }: TextTraits) {
    this.#text = text
    this.#unit = unit
    this.#fences = markup === 'markdown' ? findFences(text) : []
    this.#stretches = findStretches(text, markup, this.#fences)
    this.#graphemes = graphemes.segment(text)
  }

  /** The end of the message that begins at `start` and has room for so many units. */
  next(start: number, room: number): number {
    const furthest = reach(this.#text, start, room, this.#unit)
    if (furthest === this.#text.length) return furthest
    // Up to here there is room for the end of a fence, too.
    const tight = reach(this.#text, start, room - MAX_MARKS - 1, this.#unit)
    const fits = (index: number) => index <= tight || this.#fenceAt(index) === null
    for (const { after, filled } of PLACES) {
      const least = start + 1 + Math.floor((furthest - start) * filled)
      const places = [...this.#text.slice(start, furthest).matchAll(after)].map(({ 0: found, index }) => start + index + found.length)
      const found = places.findLast((index) => index >= least && fits(index) && this.#wholeUntil(index) === index)
      if (found !== undefined) return found
    }
    const hard = fits(furthest) ? furthest : tight
    for (let index = hard; index > start;) {
      const whole = this.#wholeUntil(index)
      if (whole === index && fits(index)) return index
      index = whole === index ? Math.min(tight, index - 1) : whole
    }
    const grapheme = this.#graphemes.containing(hard)?.index ?? start
    return grapheme > start && fits(grapheme) ? grapheme : hard
  }

  /** What a message that ends here adds, so that no block of code stays open. */
  closed(end: number): string {
    const fence = end < this.#text.length ? this.#fenceAt(end) : null
    return fence === null ? '' : `${this.#text[end - 1] === '\n' ? '' : '\n'}${fence.marks}`
  }

  /** What a message that begins here adds, to go on with a block of code. ASCII: as long in every unit. */
  reopened(start: number): string {
    const fence = this.#fenceAt(start)
    return fence === null ? '' : `${fence.marks}${fence.language}\n`
  }

  /** The index itself, or the beginning of what must not be torn apart there. */
  #wholeUntil(index: number): number {
    const stretch = lastBefore(this.#stretches, index, ({ start }) => start)
    if (stretch !== null && index < stretch.end) return stretch.start
    return this.#graphemes.containing(index)?.index ?? index
  }

  /** The block of code that a cut would go through. */
  #fenceAt(index: number): Fence | null {
    const fence = lastBefore(this.#fences, index + 1, ({ body }) => body)
    return fence !== null && index <= fence.close && index < fence.end ? fence : null
  }
}
