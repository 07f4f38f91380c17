/**
 * Shows a text so that nothing in it can hide: every character that is invisible, moves others, or passes for a space is written as `\u{202e}`. A `\u{` that stood there already is
 * doubled, so that the result can be read in one way only.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const HIDDEN = /\\(?=u\{)|[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}/gu

/** At most about `maxCharacters`; what was cut is counted. A line break is hidden, too, unless `lines` keeps it. */
export function visibleText(text: string, maxCharacters: number, { lines = false }: { readonly lines?: boolean } = {}): string {
  let shown = ''
  let at = 0
  // Bounded before the search: what is not shown is not read.
  const considered = text.length > maxCharacters ? text.slice(0, maxCharacters) : text
  for (const match of considered.matchAll(HIDDEN)) {
    shown += considered.slice(at, match.index)
    at = match.index + match[0].length
    shown += match[0] === '\n' && lines ? '\n' : match[0] === '\\' ? '\\\\' : `\\u{${(match[0].codePointAt(0) ?? 0).toString(16)}}`
    if (shown.length >= maxCharacters) break
  }
  if (shown.length < maxCharacters) {
    shown += considered.slice(at)
    at = considered.length
  }
  return at < text.length ? `${shown}… [${text.length - at} more]` : shown
}
