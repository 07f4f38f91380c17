/**
 * Links and images in a text, as Markdown, HTML and chat programs read them, and the same text with those that are not let through made inert: readable, not clickable, and fetched by
 * nobody. Inert is by form: `https[:]//evil[.]example`, and `] (` where `](` would be a link.
 */
import type { CodeView } from './code.ts'
import { decoded } from './mapped.ts'
import type { Span } from './spans.ts'

export interface Link {
  /** As a browser would resolve it; null for what leads nowhere else (a fragment, a path) or cannot be read. */
  readonly url: URL | null
  /** `definition`: of a reference that may be used as a link or an image. `bare`: an address that programs make a link of. */
  readonly kind: 'link' | 'image' | 'definition' | 'bare'
  /** What stands between the brackets, where it is known. */
  readonly label: string
}

export type MayStand = (link: Link) => boolean

const MAX_DESTINATION = 2048
const LABEL_WINDOW = 300
const MAX_SPACE = 256

/** Destinations of Markdown: inline links and images, and definitions of references. */
export function inertDestinations(text: string, offset: number, code: CodeView['ranges'], mayStand: MayStand): readonly Span[] {
  const spans: Span[] = []
  for (let at = text.indexOf(']', offset - 1); at !== -1; at = text.indexOf(']', at + 1)) {
    const next = text[at + 1]
    if ((next !== '(' && next !== ':') || code.some(([from, until]) => at >= from && at < until)) continue
    const destination = destinationAt(text, at + 2)
    if (destination === null) continue
    const label = labelBefore(text, at)
    if (next === ':' && !label.beginsLine) continue
    const kind = next === ':' ? 'definition' : label.isImage ? 'image' : 'link'
    const url = next === '(' && RUNS.test(asReadRoughly(text, at + 2)) ? 'unreadable' : resolve(destination.text)
    if (mayStand({ url: url === 'unreadable' ? null : url, kind, label: label.text }) && url !== 'unreadable') continue
    // The bracket itself may have left already.
    spans.push({ from: at + 1, until: at + 1, text: ' ' }, { from: destination.from, until: destination.until, text: defanged(destination.text) })
    at = destination.until - 1
  }
  return spans
}

const RUNS = /^(?:javascript|vbscript|data|file):/i

/** A renderer that looks for the closing bracket alone hands on white space, which browsers drop out of a scheme. */
function asReadRoughly(text: string, start: number): string {
  const raw = text.slice(start, start + MAX_SPACE)
  return raw.includes(')') ? decoded(raw).text.replaceAll(/[\s<\\]/g, '') : ''
}

interface Destination {
  readonly from: number
  readonly until: number
  /** With its escapes read. */
  readonly text: string
}

/** White space, at most one line end among it, then `<…>` or what has no white space and no closing bracket too many. */
function destinationAt(text: string, start: number): Destination | null {
  const from = start + spaceLength(text.slice(start, start + MAX_SPACE))
  const raw = text.slice(from, from + MAX_DESTINATION)
  const length = /^<[^<>\n]*>?/.exec(raw)?.[0].length ?? bareLength(raw)
  if (length === 0) return null
  const written = raw.slice(0, length)
  return { from, until: from + length, text: decoded(written.replace(/^<|>$/g, '').replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')).text }
}

function bareLength(raw: string): number {
  let depth = 0
  for (let at = 0; at < raw.length; at++) {
    const one = raw.charAt(at)
    if (/\s/.test(one)) return at
    if (one === '\\') at++
    else if (one === '(') depth++
    else if (one === ')' && depth-- === 0) return at
  }
  return raw.length
}

interface Label {
  readonly text: string
  readonly isImage: boolean
  /** Only such a label defines a reference. */
  readonly beginsLine: boolean
}

function labelBefore(text: string, closing: number): Label {
  let depth = 0
  for (let at = closing - 1; at >= Math.max(0, closing - LABEL_WINDOW); at--) {
    if (text[at] === ']') depth++
    else if (text[at] === '[' && depth-- === 0) {
      const before = text.slice(Math.max(text.lastIndexOf('\n', at) + 1, at - LABEL_WINDOW), at)
      return { text: text.slice(at + 1, closing), isImage: text[at - 1] === '!', beginsLine: /^[ \t>*+\-\d.)]*$/.test(before) }
    }
  }
  // Where it begins cannot be seen: it may be an image, which is fetched without a click.
  return { text: '', isImage: true, beginsLine: true }
}

/** As browsers do: what they drop is dropped, a backslash is a slash, two slashes lead to another host. */
function resolve(destination: string): URL | null | 'unreadable' {
  // oxlint-disable-next-line no-control-regex -- browsers drop them
  const text = destination.replaceAll(/[\u0000-\u0020\u007F]/g, '').replaceAll('\\', '/')
  if (text.startsWith('//')) return URL.parse(`https:${text}`) ?? 'unreadable'
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return URL.parse(text) ?? 'unreadable'
  // A letter that only looks like one of a scheme, or a host without its scheme, leads nowhere by itself; it is looked at as a bare address.
  return null
}

const HOST = '(?:[\\p{L}\\p{N}_-]{1,63}[.。．｡]){1,10}[\\p{L}\\p{N}-]{1,63}'
const ADDRESS = new RegExp(
  `(?<![\\p{L}\\p{N}+.-])[a-z][a-z0-9+.-]{1,20}:[\\\\/]{2,}[^\\s<>"\`|]{1,2000}|(?<![\\p{L}\\p{N}])https?:[^\\s<>"\`|]{3,2000}|(?<![\\p{L}\\p{N}_@.-])(?<!(?<![\\\\/:])[\\\\/])(${HOST})((?::\\d{1,5})?(?:[/?#\\\\][^\\s<>"\`|]{0,2000})?)`,
  'giu',
)

/** Addresses in plain text, which chat programs and Markdown of GitHub turn into links. */
export function inertAddresses(text: string, offset: number, mayStand: MayStand): readonly Span[] {
  const mapped = decoded(text)
  const spans: Span[] = []
  for (const { 0: found, 1: host, 2: rest = '', index } of mapped.text.matchAll(ADDRESS)) {
    if (mapped.end(index + found.length) <= offset) continue
    if (host !== undefined && !isHost(host, rest)) continue
    const address = found.replace(/[)\].,;:!?'*_}]+$/u, '')
    const url = resolve(host === undefined ? address.replace(/^(https?):[\\/]*/i, '$1://') : `//${address}`)
    // Null: a letter only looks like one of a scheme, and a program may still see the host.
    if (url instanceof URL && mayStand({ url, kind: 'bare', label: '' })) continue
    spans.push({ from: mapped.start(index), until: mapped.end(index + address.length), text: defanged(address) })
  }
  return spans
}

/** Endings of files and of program text that are no top-level domains, or are seldom meant as one. */
const FILE_ENDINGS = new Set(
  'js mjs cjs ts mts cts jsx tsx json json5 jsonl html htm xml yml yaml toml ini cfg conf txt csv tsv log md mdx rst py rb rs go java kt kts cs cpp cc hpp php sh bash ps pl lua sql css scss less svg png jpg jpeg gif webp ico pdf doc docx xls xlsx ppt pptx odt ods zip tar gz tgz bz2 xz exe dll so lock env map wasm db sqlite bak tmp mp3 mp4 wav mov avi ics eml key pem crt'.split(
    ' ',
  ),
)
/** Those of them that are top-level domains all the same. */
const ALSO_DOMAINS = new Set('md py rs sh pl ps so cc zip mov map'.split(' '))
const COMMON = new Set(
  'com net org info biz dev app xyz top site online shop club live pro page link click cloud store tech world space fun icu vip work life today email media news blog wiki zip mov edu gov mil int name mobi asia tel jobs travel example test invalid onion'.split(
    ' ',
  ),
)

/** Whether programs would make a link of it: all that has a path, and names whose ending is a common one. */
function isHost(host: string, rest: string): boolean {
  const labels = host.split(/[.。．｡]/)
  const last = (labels.at(-1) ?? '').toLowerCase()
  if (/^\d+$/.test(last)) return labels.length === 4 && rest !== '' && !rest.startsWith('#') && labels.every((label) => /^\d{1,3}$/.test(label))
  if (last.length < 2 || /^[\p{N}-]/u.test(last)) return false
  if (/^www$/i.test(labels[0] ?? '') || last.startsWith('xn--')) return true
  if (FILE_ENDINGS.has(last)) return ALSO_DOMAINS.has(last) && (labels.length > 2 ? rest !== '' : /^[/?]./.test(rest))
  return rest !== '' || COMMON.has(last) || last.length === 2 || /\P{ASCII}/u.test(last)
}

/** Readable, and no program makes a link of it. */
export function defanged(address: string): string {
  return address
    .replaceAll(/:(?=[\\/])/g, '[:]')
    .replace(/^([a-z][a-z0-9+.-]{0,20}):/i, '$1[:]')
    .replaceAll(/[.。．｡]/g, '[.]')
    .replaceAll('@', '[@]')
    .replaceAll('](', '] (')
}

/** Characters at the end that may belong to a destination which is not complete. */
export function destinationUnfinished(text: string): number {
  for (let at = text.indexOf(']', text.length - MAX_DESTINATION); at !== -1; at = text.indexOf(']', at + 1)) {
    const next = text[at + 1]
    if (next === undefined) return 1
    if ((next === '(' || next === ':') && !isComplete(text.slice(at + 2), next === '(')) return text.length - at
  }
  return 0
}

function isComplete(rest: string, isInline: boolean): boolean {
  if (isInline && rest.length < MAX_SPACE && !rest.includes(')') && !/\n[ \t]*\r?\n/.test(rest)) return false
  const raw = rest.slice(spaceLength(rest))
  return raw.startsWith('<') ? /^<[^<>\n]*[<>\n]/.test(raw) : bareLength(raw) < raw.length
}

function spaceLength(text: string): number {
  return /^[ \t]{0,100}(?:\r?\n[ \t]{0,100})?/.exec(text)?.[0].length ?? 0
}

/** The last word: it may become an address with what follows. */
export function addressUnfinished(text: string): number {
  const word = /[^\s]{1,2048}$/.exec(text)
  return word === null ? 0 : word[0].length
}

/** The host that a label speaks of, where it speaks of one. */
export function hostIn(label: string): string | null {
  const found = ADDRESS.exec(decoded(label).text)
  ADDRESS.lastIndex = 0
  if (found === null || (found[1] !== undefined && !isHost(found[1], found[2] ?? ''))) return null
  const url = resolve(found[1] === undefined ? found[0] : `//${found[0]}`)
  return url instanceof URL ? url.host : null
}
