/** The text of a page as a person reads it: headings, paragraphs, lists, tables and links, without scripts, styles and what is hidden. */
import { decodeEntities } from './entities.ts'
import { TextWriter, withoutControls } from './text-writer.ts'
import { type Token, tokenize } from './tokens.ts'

export interface Readable {
  readonly title: string
  readonly text: string
}

/** `base` is what relative links are relative to. */
export function readable(html: string, base: URL): Readable {
  const page = new Page(base)
  for (const token of tokenize(html)) {
    if (page.isFull()) break
    page.take(token)
  }
  return page.read()
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const VOID = words('area base br col embed hr img input link meta param source track wbr')
/** Not shown, or no text. */
const SILENT = words('template svg math object canvas audio video select datalist noscript dialog')
const PARAGRAPHS = words(
  'address article aside blockquote body center details div dl fieldset figure footer form header main menu nav ol p pre section table ul',
)
const LISTS = words('ol ul menu')
const LINES = words('dd dt figcaption li legend option summary tr caption')
const LINKED = words('https: http: mailto:')
const HEADING = /^h([1-6])$/
/** An element of these ends where the next of its kind begins, whether it was closed or not. */
const SELF_ENDING = words('p li dt dd tr td th option')
const HIDING_STYLE =
  /(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)|font-size\s*:\s*0(?![.\d]*[1-9]))/i
/** Longer addresses are of no use to a reader. */
const MAX_HREF = 2048
const MAX_TITLE = 300
/** More than anybody is shown. */
const MAX_TEXT = 100_000
const MAX_LINKS = 5000
const MAX_STYLE = 4096

class Page {
  readonly #base: URL
  readonly #out = new TextWriter()
  #title = ''
  #isInTitle = false
  /** The element that is not shown, and how many of its name are open. */
  #silent: { readonly name: string; depth: number } | null = null
  #link: { readonly href: string; readonly from: number } | null = null
  #links = 0
  /** For each open list, the number of its last item; null where items are not numbered. */
  readonly #lists: (number | null)[] = []

  constructor(base: URL) {
    this.#base = base
  }

  take(token: Token): void {
    if (this.#silent !== null && !this.#endsSilence(token)) return
    if (token.kind === 'text') this.#text(token.text)
    else if (token.kind === 'open') this.#open(token.name, token.attributes)
    else this.#close(token.name)
  }

  isFull(): boolean {
    return this.#out.length > MAX_TEXT
  }

  read(): Readable {
    this.#endLink()
    const title = withoutControls(decodeEntities(this.#title)).replaceAll(/\s+/g, ' ').trim()
    return { title: title.slice(0, MAX_TITLE).toWellFormed(), text: this.#out.text() }
  }

  /** Whether something is to be done with this token outside the silence. */
  #endsSilence(token: Token): boolean {
    const silent = this.#silent
    if (silent === null || token.kind === 'text' || token.name !== silent.name) return false
    if (token.kind === 'open') {
      if (!SELF_ENDING.has(token.name)) {
        silent.depth++
        return false
      }
      this.#silent = null
      return true
    }
    silent.depth--
    if (silent.depth === 0) this.#silent = null
    return false
  }

  #text(text: string): void {
    if (!this.#isInTitle) return this.#out.write(decodeEntities(text))
    if (this.#title === '') this.#title = text.slice(0, 4 * MAX_TITLE)
  }

  #open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (isHidden(name, attributes)) {
      if (!VOID.has(name)) this.#silent = { name, depth: 1 }
      return
    }
    this.#isInTitle = name === 'title'
    const heading = HEADING.exec(name)
    if (heading !== null) return this.#out.startBlock(`${'#'.repeat(Number(heading[1]))} `)
    if (PARAGRAPHS.has(name)) this.#openParagraph(name)
    else if (LINES.has(name)) this.#out.startLine(name === 'li' ? this.#bullet() : '')
    else if (name === 'td' || name === 'th') this.#out.cell()
    else if (name === 'br') this.#out.startLine()
    else if (name === 'hr') this.#out.startBlock()
    else if (name === 'a') this.#startLink(attributes.get('href'))
    else if (name === 'img') this.#image(attributes.get('alt'))
  }

  /** Inside a list, paragraphs and other lists are lines. */
  #openParagraph(name: string): void {
    if (this.#lists.length > 0) this.#out.startLine()
    else this.#out.startBlock()
    if (LISTS.has(name)) this.#lists.push(name === 'ol' ? 0 : null)
    if (name === 'pre') this.#out.setPreformatted(true)
  }

  #close(name: string): void {
    if (name === 'title') this.#isInTitle = false
    else if (name === 'a') this.#endLink()
    else if (HEADING.test(name)) this.#out.endBlock()
    else if (LINES.has(name)) this.#out.endLine()
    else if (PARAGRAPHS.has(name)) this.#closeParagraph(name)
  }

  #closeParagraph(name: string): void {
    if (LISTS.has(name)) this.#lists.pop()
    if (name === 'pre') this.#out.setPreformatted(false)
    if (this.#lists.length > 0) this.#out.endLine()
    else this.#out.endBlock()
  }

  #bullet(): string {
    const last = this.#lists.at(-1) ?? null
    if (last !== null) this.#lists[this.#lists.length - 1] = last + 1
    const indent = '  '.repeat(Math.min(Math.max(this.#lists.length - 1, 0), 8))
    return `${indent}${last === null ? '-' : `${last + 1}.`} `
  }

  #image(alt: string | undefined): void {
    const text = decodeEntities(alt ?? '').trim()
    if (text !== '') this.#out.write(`[${text}]`)
  }

  #startLink(href: string | undefined): void {
    this.#endLink()
    const written = decodeEntities(href ?? '').trim()
    if (written === '' || written.startsWith('#') || written.length > MAX_HREF || this.#links++ > MAX_LINKS) return
    const url = URL.parse(written, this.#base)
    if (url !== null && LINKED.has(url.protocol)) this.#link = { href: url.href, from: this.#out.mark() }
  }

  #endLink(): void {
    const link = this.#link
    this.#link = null
    if (link === null) return
    const text = this.#out.since(link.from)
    if (text !== '' && !`${text}/`.includes(link.href)) this.#out.append(` (${link.href})`)
  }
}

function isHidden(name: string, attributes: ReadonlyMap<string, string>): boolean {
  if (SILENT.has(name)) return name !== 'dialog' || !attributes.has('open')
  if (attributes.size === 0) return false
  return (
    attributes.has('hidden') ||
    attributes.get('aria-hidden')?.toLowerCase() === 'true' ||
    HIDING_STYLE.test(decodeEntities((attributes.get('style') ?? '').slice(0, MAX_STYLE)))
  )
}
