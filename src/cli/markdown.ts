/**
 * Markdown for a terminal, while it streams: what is certain is printed at once, an unfinished mark (`**bo`) waits for its end. Takes text that is cleaned already.
 * A renderer of lines and words, not of a tree: nothing that was printed ever changes.
 */
import type { Paint } from './output.ts'

/** A mark that stays open for longer than this is text. */
const MAX_HELD = 400
/** Nor is a longer one looked for: the search stays linear, whatever a model writes. */
const MAX_MARK = 1000
const FENCE = /^ {0,3}(```+|~~~+)\s*([^\n`]*)$/
const BLOCK = /^( {0,3}#{1,6} +| *(?:[-*+]|\d{1,9}[.)]) +(?:\[[ xX]\] +)?| {0,3}> ?)/

export class MarkdownStream {
  readonly #paint: Paint
  readonly #write: (text: string) => void
  #line = ''
  /** How much of the current line is printed. */
  #printed = 0
  #started = false
  #fence: string | null = null
  #heading = false

  constructor(paint: Paint, write: (text: string) => void) {
    this.#paint = paint
    this.#write = write
  }

  push(delta: string): void {
    const [first = '', ...others] = delta.split('\n')
    this.#line += first
    for (const next of others) {
      this.#advance(true)
      this.#write('\n')
      this.#line = next
      this.#printed = 0
      this.#started = false
      this.#heading = false
    }
    this.#advance(false)
  }

  /** Prints what still waits. */
  end(): void {
    this.#advance(true)
    this.#line = ''
    this.#printed = 0
    this.#started = false
    this.#fence = null
  }

  #advance(isComplete: boolean): void {
    if (!this.#started && !this.#begin(isComplete)) return
    const rest = this.#line.slice(this.#printed)
    if (this.#fence !== null) {
      this.#write(this.#paint.cyan(rest))
      this.#printed = this.#line.length
      return
    }
    const { text, used } = inline(rest, isComplete || rest.length > MAX_HELD, this.#paint)
    this.#write(this.#heading ? this.#paint.bold(text) : text)
    this.#printed += used
  }

  /** Decides what kind of line this is, once enough of it is there. */
  #begin(isComplete: boolean): boolean {
    const line = this.#line
    if (!isComplete && line.length < 200 && /^\s*(?:[-*+#>`~_=]+|\d{1,9}[.)]?|[-*+] +\[.{0,2})?\s*$/.test(line)) return false
    const fence = FENCE.exec(line)
    if (isComplete && fence !== null && this.#closes(fence[1] ?? '', fence[2] ?? '')) return this.#toggle(fence[1] ?? '', line)
    if (!isComplete && /^ {0,3}(?:```|~~~)/.test(line) && line.length < 200) return false
    this.#started = true
    if (this.#fence !== null) return true
    if (isComplete && /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/.test(line)) return this.#swallow(this.#paint.dim('────────'))
    const mark = BLOCK.exec(line)?.[1] ?? ''
    this.#printed = mark.length
    this.#heading = mark.trimStart().startsWith('#')
    this.#write(this.#mark(mark))
    return true
  }

  #closes(mark: string, info: string): boolean {
    return this.#fence === null || (mark.startsWith(this.#fence) && info === '')
  }

  #toggle(mark: string, line: string): boolean {
    this.#fence = this.#fence === null ? mark : null
    return this.#swallow(this.#paint.dim(line))
  }

  #swallow(text: string): boolean {
    this.#started = true
    this.#printed = this.#line.length
    this.#write(text)
    return false
  }

  #mark(mark: string): string {
    if (mark.trimStart().startsWith('#')) return ''
    if (mark.trimStart().startsWith('>')) return this.#paint.dim('│ ')
    return mark
      .replace(/[-*+](?= )/, '•')
      .replace(/\[ \]/, '☐')
      .replace(/\[[xX]\]/, '☑')
  }
}

interface Mark {
  readonly whole: RegExp
  /** The beginning of one that may still be completed. */
  readonly open: RegExp
  render(parts: RegExpExecArray, paint: Paint): string
}

const MARKS: readonly Mark[] = [
  { whole: /(`+)(?!`)([^\n]*?[^`])\1(?!`)/y, open: /`+[^\n]*$/y, render: (parts, paint) => paint.cyan((parts[2] ?? '').trim() || (parts[2] ?? '')) },
  {
    whole: /!?\[((?:[^[\]\\]|\\.)*)\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"\n]*")?\s*\)/y,
    open: /!?\[(?:[^[\]\\]|\\.)*(?:\]?$|\]\([^\n)]*$)|!$/y,
    render: (parts, paint) => linkText(parts[1] ?? '', parts[2] ?? '', paint),
  },
  { whole: /<(https?:\/\/[^\s<>]+)>/y, open: /<(?:h[^\s<>]*)?$/y, render: (parts, paint) => paint.underline(parts[1] ?? '') },
  { whole: /\*\*(?=\S)(.+?)(?<=\S)\*\*/y, open: /\*\*(?:\S[^\n]*)?$/y, render: (parts, paint) => paint.bold(nested(parts[1] ?? '', paint)) },
  { whole: /\*(?=[^\s*])([^*\n]*?[^\s*])\*(?!\*)/y, open: /\*(?:[^\s*][^*\n]*\*?)?$/y, render: (parts, paint) => paint.italic(nested(parts[1] ?? '', paint)) },
  { whole: /\\([!-/:-@[-`{-~])/y, open: /\\$/y, render: (parts) => parts[1] ?? '' },
]

function linkText(label: string, address: string, paint: Paint): string {
  const text = nested(label, paint)
  return label === address || address === '' ? paint.underline(text) : `${paint.underline(text)} (${address})`
}

function nested(text: string, paint: Paint): string {
  return inline(text, true, paint).text
}

/** Renders as much of `source` as is certain. */
function inline(source: string, isComplete: boolean, paint: Paint): { readonly text: string; readonly used: number } {
  let text = ''
  let at = 0
  while (at < source.length) {
    const plain = /[^`*[<\\!]+/y
    plain.lastIndex = at
    const run = plain.exec(source)?.[0]
    if (run !== undefined) {
      text += run
      at += run.length
      continue
    }
    const found = markAt(source, at)
    if (found === 'open' && !isComplete) break
    if (found === null || found === 'open') text += source[at++]
    else {
      text += found.mark.render(found.parts, paint)
      at += found.parts[0].length
    }
  }
  return { text, used: at }
}

function markAt(source: string, at: number): { readonly mark: Mark; readonly parts: RegExpExecArray } | 'open' | null {
  const window = source.slice(at, at + MAX_MARK)
  let isOpen = false
  for (const mark of MARKS) {
    mark.whole.lastIndex = 0
    const parts = mark.whole.exec(window)
    if (parts !== null) return { mark, parts }
    mark.open.lastIndex = 0
    isOpen ||= mark.open.test(window)
  }
  return isOpen ? 'open' : null
}
