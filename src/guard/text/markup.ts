/** Text that does nothing where it is shown: no control sequences, no characters that turn or hide what is read, and no HTML where HTML would be rendered. */
import type { CodeView } from './code.ts'
import { dropHidden } from './hidden.ts'
import type { Span } from './spans.ts'

/** All control characters but tab and the ends of lines. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROLS = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g

export function withoutControls(text: string): string {
  return dropHidden(text.replace(CONTROLS, ''))
}

/** What a run at the end that nobody sees will be is known when it ends; the same for half a character. */
const OPEN_HIDDEN = /(?:\u{1F3F4}|[\p{Cf}\p{Variation_Selector}\u{E0000}-\u{E007F}]){1,64}$/u

export function hiddenUnfinished(text: string): number {
  const last = text.charCodeAt(text.length - 1)
  if (last < 0xad) return 0
  const half = last >= 0xd8_00 && last <= 0xdb_ff ? 1 : 0
  const run = OPEN_HIDDEN.exec(half === 1 ? text.slice(0, -1) : text)
  return half + (run === null ? 0 : run[0].length)
}

/** A tag, a comment or an instruction; not an address or a mail address between angle brackets, which Markdown knows. */
const TAG = /<(?=[A-Za-z/!?])(?!(?:https?|mailto|tel):)/gi

/** The `<` of every tag outside code. */
export function tags(text: string, offset: number, code: CodeView['ranges']): readonly Span[] {
  if (!text.includes('<', offset)) return []
  const spans: Span[] = []
  for (const { index } of text.matchAll(TAG)) {
    if (index >= offset && !code.some(([from, until]) => index >= from && index < until)) spans.push({ from: index, until: index + 1, text: '&lt;' })
  }
  return spans
}

export function tagUnfinished(text: string): number {
  const open = /<(?:[hmt][a-z]{0,6})?$/i.exec(text)
  return open === null ? 0 : open[0].length
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escapedHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '')
}
