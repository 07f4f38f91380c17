/**
 * Which stretches of Markdown are code, where nothing is rendered. Follows CommonMark where that is certain, and where it is not (a fence inside a list, a backtick without its partner)
 * says that nothing is code: a renderer may then show an escape too many, and never a tag.
 */
export interface Fence {
  readonly marker: string
  readonly length: number
}

/** What is open where a text begins. `lost`: a fence that cannot be followed. */
export interface CodeState {
  readonly fence: Fence | 'lost' | null
  /** A backtick of this paragraph waits for its partner on another line. */
  readonly isUnpaired: boolean
}

export const NO_CODE: CodeState = { fence: null, isUnpaired: false }

export interface CodeView {
  /** Start and end in the whole text, ascending. */
  readonly ranges: readonly (readonly [from: number, until: number])[]
  readonly state: CodeState
}

/** A partner that is farther away is none. */
const MAX_INLINE = 400
const OPENING = /^(?:(`{3,})[^`]*|(~{3,}).*)$/
const OTHER_OPENING = /^[ \t>*+\-\d.)]+(?:`{3,}|~{3,})/

/** Of `text` from `offset` on; the part of a line before it has left already. */
export function codeIn(text: string, offset: number, before: CodeState): CodeView {
  if (before.fence === null && !before.isUnpaired && !text.includes('`') && !text.includes('~~~')) return { ranges: [], state: NO_CODE }
  const ranges: (readonly [number, number])[] = []
  let { fence, isUnpaired } = before
  let start = text.lastIndexOf('\n', offset - 1) + 1
  // After the last line end nothing has begun yet: it is no empty line.
  while (start < text.length) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    const line = text.slice(start, end).replace(/\r$/, '')
    const from = Math.max(start, offset)
    if (fence !== null && fence !== 'lost') {
      ranges.push([from, end])
      if (isClosing(line, fence)) fence = null
    } else if (fence === null && start >= offset && OPENING.test(line)) {
      const marker = line.charAt(0)
      fence = { marker, length: (line.match(marker === '`' ? /^`+/ : /^~+/)?.[0] ?? '').length }
      isUnpaired = false
    } else if (start >= offset && OTHER_OPENING.test(line)) fence = 'lost'
    else if (line.trim() === '') isUnpaired = false
    else if (fence === null && !isUnpaired) isUnpaired = addInline(text, from, end, ranges)
    if (newline === -1) break
    start = newline + 1
  }
  return { ranges, state: { fence, isUnpaired } }
}

function isClosing(line: string, { marker, length }: Fence): boolean {
  const found = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1]
  return found !== undefined && found.startsWith(marker) && found.length >= length
}

/** Whether a backtick is left without its partner. */
function addInline(text: string, from: number, until: number, ranges: (readonly [number, number])[]): boolean {
  for (let at = from; at < until;) {
    if (text[at] === '\\') {
      at += 2
      continue
    }
    if (text[at] !== '`') {
      at++
      continue
    }
    const length = runAt(text, at, until)
    const close = closingRun(text, at + length, Math.min(until, at + MAX_INLINE), length)
    if (close === -1) return true
    ranges.push([at, close])
    at = close
  }
  return false
}

function runAt(text: string, at: number, until: number): number {
  let end = at
  while (end < until && text[end] === '`') end++
  return end - at
}

function closingRun(text: string, from: number, until: number, length: number): number {
  for (let at = from; at < until;) {
    const next = text.indexOf('`', at)
    if (next === -1 || next >= until) return -1
    const run = runAt(text, next, text.length)
    if (run === length) return next + run
    at = next + run
  }
  return -1
}

/** Characters at the end of `text` of which it is not known yet whether they begin or end code. */
export function codeUnfinished(text: string, offset: number, before: CodeState): number {
  const lineStart = text.lastIndexOf('\n') + 1
  const line = text.slice(lineStart)
  const held = (from: number) => Math.max(0, text.length - Math.max(from, offset))
  if (text.endsWith('\\')) return held(text.length - 1)
  const { fence, isUnpaired } = codeIn(text.slice(0, lineStart), Math.min(offset, lineStart), before).state
  if (fence !== null) return fence !== 'lost' && /^ {0,3}[`~]+[ \t]*$/.test(line) ? held(lineStart) : 0
  const isStart = lineStart >= offset
  // A fence may begin behind what a line begins with: the whole line leaves together.
  if (isStart && line.length <= MAX_INLINE && /^[ \t>*+\-\d.)]*(?:`{0,2}$|`{3,}|~{1,})/.test(line) && !/^~{1,2}[^~]/.test(line)) return held(lineStart)
  const run = /`+$/.exec(line)
  if (isUnpaired) return run === null ? 0 : run[0].length
  const ranges: (readonly [number, number])[] = []
  const from = Math.max(lineStart, offset)
  if (!addInline(text, from, text.length, ranges)) return run === null ? 0 : held(ranges.at(-1)?.[0] ?? text.length - run[0].length)
  const open = text.indexOf('`', firstFree(text, from, ranges))
  return text.length - open > MAX_INLINE ? 0 : held(open)
}

/** Where the search for the backtick without a partner begins; an escaped one is no backtick. */
function firstFree(text: string, from: number, ranges: readonly (readonly [number, number])[]): number {
  let at = ranges.at(-1)?.[1] ?? from
  for (let escape = text.indexOf('\\`', at); escape !== -1 && text.indexOf('`', at) === escape + 1; escape = text.indexOf('\\`', at)) at = escape + 2
  return at
}
