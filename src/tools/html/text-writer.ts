/** Lines and paragraphs out of running text. White space between words is one blank; breaks are written when something follows them. */

/** Control characters but tab and newline, and the soft hyphen: they are no text. */
const CONTROLS = /[^\P{Cc}\t\n]|\u00AD/gu
const CELL = ' | '

/** Text without what is no text. */
export function withoutControls(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(CONTROLS, '')
}

export class TextWriter {
  readonly #pieces: string[] = []
  #length = 0
  /** Line breaks owed before the next word. */
  #breaks = 0
  #prefix = ''
  #isSpaceOwed = false
  #isPreformatted = false

  write(text: string): void {
    const clean = withoutControls(text)
    if (this.#isPreformatted) return this.#writeLines(clean)
    const words = clean.replaceAll(/\s+/g, ' ')
    if (words.startsWith(' ')) this.#isSpaceOwed = true
    const inner = words.trim()
    if (inner === '') return
    this.#begin()
    this.#push(inner)
    this.#isSpaceOwed = words.endsWith(' ')
  }

  /** Puts something directly behind the last word. */
  append(text: string): void {
    this.#push(text)
  }

  /** `prefix` marks what follows, as soon as something follows. */
  startLine(prefix = ''): void {
    this.#start(1, prefix)
  }

  startBlock(prefix = ''): void {
    this.#start(2, prefix)
  }

  endLine(): void {
    this.#end(1)
  }

  endBlock(): void {
    this.#end(2)
  }

  /** Between the cells of a row. */
  cell(): void {
    if (this.#breaks === 0 && this.#length > 0) this.#prefix = CELL
  }

  setPreformatted(isPreformatted: boolean): void {
    this.#isPreformatted = isPreformatted
  }

  mark(): number {
    return this.#pieces.length
  }

  since(mark: number): string {
    return this.#pieces.slice(mark).join('').trim()
  }

  get length(): number {
    return this.#length
  }

  text(): string {
    return this.#pieces.join('')
  }

  #writeLines(text: string): void {
    const [first = '', ...others] = text.split('\n')
    if (first !== '') {
      this.#begin()
      this.#push(first)
    }
    for (const line of others) {
      this.#breaks = Math.min(this.#breaks + 1, 2)
      if (line === '') continue
      this.#begin()
      this.#push(line)
    }
  }

  #start(count: number, prefix: string): void {
    // The first block inside a list item stands beside its mark.
    const isBesideMark = prefix === '' && this.#prefix !== '' && this.#prefix !== CELL
    if (isBesideMark) return
    this.#end(count)
    this.#prefix = prefix
  }

  #end(count: number): void {
    this.#breaks = Math.max(this.#breaks, count)
    this.#prefix = ''
    this.#isSpaceOwed = false
  }

  #begin(): void {
    if (this.#length > 0 && this.#breaks > 0) this.#push('\n'.repeat(this.#breaks))
    if (this.#prefix !== '') this.#push(this.#prefix)
    else if (this.#isSpaceOwed && this.#breaks === 0 && this.#length > 0) this.#push(' ')
    this.#breaks = 0
    this.#prefix = ''
    this.#isSpaceOwed = false
  }

  #push(text: string): void {
    this.#pieces.push(text)
    this.#length += text.length
  }
}
