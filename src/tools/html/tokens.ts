/**
 * Cuts HTML into tags and text, as tolerantly as browsers do, in one pass: every search either finds something and goes on behind it, or ends the document. Nothing is
 * built, nothing is looked at twice.
 */

export type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'open'; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'close'; readonly name: string }

/** Their content is no markup, and nobody reads it. */
const OPAQUE = new Set(['script', 'style', 'iframe', 'noembed', 'noframes', 'xmp'])
/** Their content is text without tags. */
const PLAIN = new Set(['title', 'textarea'])
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()

export function* tokenize(html: string): Generator<Token, void, undefined> {
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open === -1) return yield { kind: 'text', text: html.slice(at) }
    if (open > at) yield { kind: 'text', text: html.slice(at, open) }
    const next = html.charAt(open + 1)
    if (next === '!' || next === '?') {
      at = skipDeclaration(html, open)
    } else if (/[a-z]/i.test(next)) {
      const tag = readTag(html, open + 1)
      if (tag === null) return
      yield { kind: 'open', name: tag.name, attributes: tag.attributes }
      at = tag.end
      if (OPAQUE.has(tag.name) || PLAIN.has(tag.name)) {
        const end = closingTag(html, tag.name, at)
        if (PLAIN.has(tag.name)) yield { kind: 'text', text: html.slice(at, end) }
        at = end
      }
    } else if (next === '/' && /[a-z]/i.test(html.charAt(open + 2))) {
      const tag = readTag(html, open + 2)
      if (tag === null) return
      yield { kind: 'close', name: tag.name }
      at = tag.end
    } else if (next === '/') {
      at = after(html, '>', open + 2)
    } else {
      yield { kind: 'text', text: '<' }
      at = open + 1
    }
  }
}

/** Comments, doctypes, processing instructions. */
function skipDeclaration(html: string, open: number): number {
  if (!html.startsWith('<!--', open)) return after(html, '>', open)
  // `<!-->` and `<!--->` are whole comments.
  if (html.startsWith('>', open + 4)) return open + 5
  if (html.startsWith('->', open + 4)) return open + 6
  return after(html, '-->', open + 4)
}

function after(html: string, text: string, from: number): number {
  const found = html.indexOf(text, from)
  return found === -1 ? html.length : found + text.length
}

function closingTag(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}(?=[\\s/>])`, 'gi')
  closing.lastIndex = from
  return closing.exec(html)?.index ?? html.length
}

const TAG_NAME = /[^\s/>]*/y
const BETWEEN = /[\s/]*/y
const ATTRIBUTE_NAME = /=?[^\s/>=]*/y
const SPACE = /\s*/y
const BARE_VALUE = /[^\s>]*/y
/** More than any page needs on one tag; the rest is read over. */
const MAX_ATTRIBUTES = 64

interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly end: number
}

/** Null for a tag that does not end. `from` is where its name begins. */
function readTag(html: string, from: number): Tag | null {
  const name = take(TAG_NAME, html, from)
  let attributes: Map<string, string> | null = null
  let at = from + name.length
  for (;;) {
    at += take(BETWEEN, html, at).length
    if (at >= html.length) return null
    if (html.charAt(at) === '>') return { name: name.toLowerCase(), attributes: attributes ?? NO_ATTRIBUTES, end: at + 1 }
    const attribute = take(ATTRIBUTE_NAME, html, at).toLowerCase()
    at += attribute.length
    const equals = at + take(SPACE, html, at).length
    let value = ''
    if (html.charAt(equals) === '=') {
      const read = readValue(html, equals + 1)
      if (read === null) return null
      value = read.value
      at = read.end
    }
    attributes ??= new Map()
    if (attributes.size < MAX_ATTRIBUTES && !attributes.has(attribute)) attributes.set(attribute, value)
  }
}

function readValue(html: string, from: number): { readonly value: string; readonly end: number } | null {
  const start = from + take(SPACE, html, from).length
  const quote = html.charAt(start)
  if (quote === '"' || quote === "'") {
    const end = html.indexOf(quote, start + 1)
    return end === -1 ? null : { value: html.slice(start + 1, end), end: end + 1 }
  }
  const value = take(BARE_VALUE, html, start)
  return { value, end: start + value.length }
}

function take(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
