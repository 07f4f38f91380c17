/** Values with a normal form: two spellings of one address are one value, two addresses that look alike are two. */
import { fold } from './fold.ts'

export type Kind = 'email' | 'url' | 'account' | 'phone' | 'moment' | 'number' | 'words'

export interface Value {
  readonly kind: Kind
  /** Normal form; equal within a kind means the same thing. */
  readonly key: string
}

// Every repetition is bounded: a hostile text costs no more time than its length.
const EMAIL = /(?<![\p{L}\p{N}._%+'-])[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu
const URL_LIKE =
  /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s<>"'`)\]}]{1,2000}|(?<![\p{L}\p{N}-])(?:[\p{L}\p{N}-]{1,63}\.){1,8}[a-z]{2,24}(?::\d{1,5})?(?:\/[^\s<>"'`)\]}]{0,2000})?/giu
const ACCOUNT = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,9}\b/g
const PHONE = /(?<![\p{L}\p{N}])\+?\d[\d ()./-]{6,18}\d(?![\p{L}\p{N}])/gu
const MOMENT = /^\d{4}-\d{2}-\d{2}(?:[ t]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?)?$|^\d{1,2}:\d{2}$/i

/** A time as people write it: words of the calendar and numbers, nothing else. */
const CALENDAR =
  /^(?=.{0,80}\d)(?:(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:jan|febr)uary|march|april|may|june|july|august|(?:septem|octo|novem|decem)ber|today|tomorrow|tonight|(?:mid)?night|morning|(?:after)?noon|evening|next|this|from|until|to|at|on|am|pm|o'clock|\d{1,2}(?:st|nd|rd|th)?|\d{4}|\d{1,2}[:.]\d{2}|\d{4}-\d{2}-\d{2})(?![\p{L}\p{N}])[\s,–-]{0,4}){1,12}$/iu

export interface TypedValue extends Value {
  readonly kind: keyof Found
}

/** Whether the kind can be told in prose. */
export function isTyped(value: Value): value is TypedValue {
  return value.kind === 'email' || value.kind === 'url' || value.kind === 'account' || value.kind === 'phone'
}

/** What is longer is a text: it equals only itself. */
const MAX_VALUE_CHARACTERS = 2048

/** What a whole argument is. */
export function classify(text: string): Value {
  const trimmed = text.trim()
  if (trimmed.length > MAX_VALUE_CHARACTERS) return { kind: 'words', key: trimmed }
  if (MOMENT.test(trimmed) || isCalendar(trimmed)) return { kind: 'moment', key: fold(trimmed) }
  if (isWhole(EMAIL, trimmed)) return { kind: 'email', key: emailKey(trimmed) }
  if (isWhole(ACCOUNT, trimmed)) return { kind: 'account', key: accountKey(trimmed) }
  if (isWhole(URL_LIKE, trimmed)) return { kind: 'url', key: urlKey(trimmed) }
  if (/^-?\d+(?:\.\d+)?$/.test(trimmed)) return { kind: 'number', key: trimmed.includes('.') ? trimmed.replace(/\.?0+$/, '') : trimmed }
  if (isWhole(PHONE, trimmed)) return { kind: 'phone', key: phoneKey(trimmed) }
  return { kind: 'words', key: fold(trimmed).replaceAll(/\s+/g, ' ') }
}

/** A bare number is no time. */
function isCalendar(text: string): boolean {
  return text.length <= 80 && !/^[\d.,\s-]*$/.test(text) && CALENDAR.test(text)
}

/** The values in prose, by kind. */
export type Found = Readonly<Record<'email' | 'url' | 'account' | 'phone', ReadonlySet<string>>>

export function extract(text: string): Found {
  // A sentence that begins without a space does not belong to the address before it.
  const plain = text.normalize('NFKC').replaceAll(GLUED, '. ')
  const email = plain.includes('@') ? new Set(all(EMAIL, plain).map(emailKey)) : NONE
  // The host of an e-mail address is no page.
  const rest = email.size === 0 ? plain : plain.replaceAll(EMAIL, ' ')
  const hasNumbers = /\d{2}/.test(rest)
  return {
    email,
    url: /\w\.\w|:\/\//.test(rest) ? new Set(all(URL_LIKE, rest).map(urlKey)) : NONE,
    account: hasNumbers ? new Set(all(ACCOUNT, rest).map(accountKey)) : NONE,
    phone: hasNumbers ? new Set(all(PHONE, rest).map(phoneKey)) : NONE,
  }
}
const NONE: ReadonlySet<string> = new Set()
const GLUED = /(?<=[a-z\d]\.[a-z]{2,12})\.(?=\p{Lu}\p{Ll})/gu

export function emailKey(text: string): string {
  return fold(text).replace(/^['.]+|['.]+$/g, '')
}

/** Scheme (web only), host, path and query. What an URL parser refuses keeps its own spelling and so equals nothing else. */
export function urlKey(text: string): string {
  const cut = text.trim().replace(/[.,;:!?]+$/, '')
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(cut) ? cut : `https://${cut}`)
  if (url === null || url.username !== '' || url.password !== '') return `?${cut}`
  const scheme = url.protocol === 'http:' || url.protocol === 'https:' ? '' : url.protocol
  return `${scheme}${url.host}${url.pathname.replace(/\/$/, '')}${url.search}`
}

function accountKey(text: string): string {
  return text.replaceAll(' ', '').toUpperCase()
}

function phoneKey(text: string): string {
  return text.replaceAll(/[^\d+]/g, '')
}

function all(pattern: RegExp, text: string): readonly string[] {
  return Array.from(text.matchAll(pattern), ([match]) => match)
}

function isWhole(pattern: RegExp, text: string): boolean {
  return all(pattern, text)[0]?.length === text.length
}
