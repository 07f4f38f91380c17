/** What in a text must not be torn apart: stretches (links, mentions, short code), and fenced blocks of code, which may be closed and opened again. */

export interface Stretch {
  readonly start: number
  readonly end: number
}

export interface Fence {
  /** The opening line; what is in the block begins at `body`. */
  readonly open: number
  readonly body: number
  /** Where the closing line begins and its marks end; both the end of the text where none closes it. */
  readonly close: number
  readonly end: number
  readonly marks: string
  readonly language: string
}

/** Longer marks or opening lines than anybody writes: such a block is text like any other. */
const MAX_OPENING = 96
export const MAX_MARKS = 16
// Every repetition is bounded, or stops at what begins it: one pass over the text.
const LINKS = [
  String.raw`!?\[[^\][\n]{1,256}\]\([^()\s]{1,1024}\)`,
  String.raw`<[^<>\s]{1,1024}>`,
  String.raw`\b[a-z][a-z0-9+.-]{1,15}://[^\s<>]+`,
  String.raw`[\w.+-]{1,64}@[\w-][\w.-]{0,252}`,
  String.raw`[@#][\p{L}\p{N}_][\p{L}\p{N}\p{M}_:.-]{0,254}`,
]
const CODE = '(`{1,2})[^`\\n]{1,256}\\1'
const STRETCHES = { plain: new RegExp(LINKS.join('|'), 'giu'), markdown: new RegExp([CODE, ...LINKS].join('|'), 'giu') }

export function findFences(text: string): readonly Fence[] {
  const fences: Fence[] = []
  let open: Omit<Fence, 'close' | 'end'> | null = null
  for (const { 0: line, index } of text.matchAll(/[^\n]+/g)) {
    const mark = /^[ \t]{0,16}(`{3,}|~{3,})/.exec(line.slice(0, MAX_OPENING))
    const marks = mark?.[1]
    if (mark === null || marks === undefined) continue
    const rest = line.slice(mark[0].length)
    if (open === null) {
      if (line.length > MAX_OPENING || marks.length > MAX_MARKS || Buffer.byteLength(line) > MAX_OPENING || (marks.startsWith('`') && rest.includes('`')))
        continue
      // At the end of the text there is nothing in it.
      if (index + line.length >= text.length) continue
      const language = /^\s*([\w+#.-]{1,32})(?:\s|$)/.exec(rest)?.[1] ?? ''
      open = { open: index, body: index + line.length + 1, marks, language }
    } else if (marks.startsWith(open.marks) && rest.trim() === '') {
      fences.push({ ...open, close: index, end: index + mark[0].length })
      open = null
    }
  }
  return open === null ? fences : [...fences, { ...open, close: text.length, end: text.length }]
}

/** In order, without overlaps, none of them in a fence. */
export function findStretches(text: string, markup: 'plain' | 'markdown', fences: readonly Fence[]): readonly Stretch[] {
  const stretches: Stretch[] = []
  let from = 0
  const between = (to: number) => {
    for (const { 0: found, index } of text.slice(from, to).matchAll(STRETCHES[markup]))
      stretches.push({ start: from + index, end: from + index + found.length })
  }
  for (const { open, body, close, end } of fences) {
    between(open)
    // With the first and the last character of what is inside: a block is not opened for nothing.
    stretches.push({ start: open, end: body + 1 })
    if (end > close) stretches.push({ start: close - 1, end })
    from = end
  }
  between(text.length)
  return stretches
}

/** Of items in order, the last one that begins before the index. */
export function lastBefore<Item>(items: readonly Item[], index: number, startOf: (item: Item) => number): Item | null {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const item = items[middle]
    if (item !== undefined && startOf(item) < index) low = middle + 1
    else high = middle
  }
  return items[low - 1] ?? null
}
