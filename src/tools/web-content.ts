/** What a body says, by its content type. */
import { AppError } from '../contracts/errors.ts'
import { readable } from './html/readable.ts'

export interface ContentText {
  /** Lines to stand before the text. */
  readonly head: readonly string[]
  readonly text: string
}

const HTML = new Set(['text/html', 'application/xhtml+xml'])
const TEXT = /^(?:text\/[\w.+-]+|application\/(?:json|xml|[\w.-]+\+(?:json|xml)))$/

/** The type of what is no text; null for text, and for what does not say. A type that is none is not repeated. */
export function binaryType(contentType: string): string | null {
  const type = typeOf(contentType)
  if (type === '' || HTML.has(type) || TEXT.test(type)) return null
  return /^[a-z]+\/[\w.+-]{1,80}$/.test(type) ? type : 'of a type that is none'
}

/** Throws `tool/failed` for what claims to be text and is not. */
export function contentText(bytes: Uint8Array, contentType: string, from: URL): ContentText {
  const isHtml = HTML.has(typeOf(contentType))
  // UTF-16 was decoded by its mark or charset; text has no zeros.
  const text = decode(bytes, charsetOf(bytes, contentType, isHtml))
  if (text.slice(0, SNIFFED).includes('\0')) throw new AppError('tool/failed', 'this is binary, which is not read as text')
  if (!isHtml) return { head: [], text: text.trim() }
  const page = readable(text, from)
  return { head: page.title === '' ? [] : [`Title: ${page.title}`], text: page.text }
}

function typeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

const SNIFFED = 4096

const MARKS: readonly (readonly [charset: string, bytes: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]
const META_CHARSET = /<meta[^>]{0,512}?charset\s{0,8}=\s{0,8}["']?\s{0,8}([\w.:-]{1,40})/i

/** The byte order mark, then the header, then the page itself, as browsers do. */
function charsetOf(bytes: Uint8Array, contentType: string, isHtml: boolean): string {
  const marked = MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))
  if (marked !== undefined) return marked[0]
  const named = /;\s{0,8}charset\s{0,8}=\s{0,8}"?([\w.:-]{1,40})/i.exec(contentType)?.[1]
  if (named !== undefined) return named
  const written = isHtml ? META_CHARSET.exec(Buffer.from(bytes.subarray(0, SNIFFED)).toString('latin1'))?.[1] : undefined
  // A page that could be read so far is not in UTF-16, whatever it says.
  return written === undefined || /^utf-?16/i.test(written) ? 'utf-8' : written
}

function decode(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder('utf-8').decode(bytes)
  }
}
