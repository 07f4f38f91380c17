/** A stretch of a text that must not be seen as it is. */
export interface Span {
  readonly from: number
  readonly until: number
  /** What stands there instead. */
  readonly text: string
}

/** The text from `offset` on with its spans replaced; spans may be in any order and overlap, and what lies before `offset` has left already. */
export function replaceSpans(text: string, spans: readonly Span[], offset = 0): string {
  let result = ''
  let done = offset
  for (const { from, until, text: instead } of spans.toSorted((a, b) => a.from - b.from)) {
    if (until < done || (until === done && from < until)) continue
    if (from >= done) result += text.slice(done, from) + instead
    else if (done === offset) result += instead
    done = until
  }
  return result + text.slice(done)
}
