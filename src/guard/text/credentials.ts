/** Credentials that nobody told us of, known by how they look: what vendors issue, keys in PEM, tokens after `Bearer`, and random values that are called a password or key. */
import type { Span } from './spans.ts'

/** Beginnings that vendors chose so that leaks are found, and what follows them. */
const ISSUED: readonly (readonly [prefixes: readonly string[], rest: string])[] = [
  [['sk-'], '[A-Za-z0-9_-]{20,250}'],
  [['AKIA', 'ASIA'], '[A-Z0-9]{16}(?![A-Za-z0-9])'],
  [['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], '[A-Za-z0-9]{36,255}'],
  [['github_pat_'], '[A-Za-z0-9_]{22,255}'],
  [['glpat-'], '[A-Za-z0-9_-]{20,64}'],
  [['xoxa-', 'xoxb-', 'xoxe-', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-'], '[A-Za-z0-9-]{10,250}'],
  [['AIza'], '[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])'],
  [['ya29.'], '[A-Za-z0-9_-]{20,250}'],
  [['npm_'], '[A-Za-z0-9]{36}(?![A-Za-z0-9])'],
  [['hf_'], '[A-Za-z0-9]{30,64}'],
  [['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'], '[A-Za-z0-9]{16,250}'],
  [['SG.'], '[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
  [['eyJ'], '[A-Za-z0-9_-]{10,2000}\\.eyJ[A-Za-z0-9_-]{10,2000}\\.[A-Za-z0-9_-]{10,1000}'],
  [['AGE-SECRET-KEY-1'], '[A-Z0-9]{50,64}'],
]
const alternatives = (texts: readonly string[]) => texts.map((text) => text.replaceAll('.', '\\.')).join('|')
const PREFIXES = ISSUED.flatMap(([prefixes]) => prefixes)
const TOKEN = new RegExp(`(?<![A-Za-z0-9_-])(?:${ISSUED.map(([prefixes, rest]) => `(?:${alternatives(prefixes)})${rest}`).join('|')})`, 'g')
const BOT_TOKEN = /(?<![A-Za-z0-9])\d{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g
const BEARER = /(?<![A-Za-z])(?:Bearer|Basic) {1,3}([A-Za-z0-9._~+/-]{16,4000}={0,2})/gi
const CALLED =
  /(?:api[ _-]?key|secret|token|passw(?:or)?d|passphrase|pwd)["'`]{0,2} {0,2}(?:[:=]|is) {0,2}["'`]{0,2}([A-Za-z0-9_+/=~-]{16,250})(?![A-Za-z0-9_+/=~(.-])/gi
const PEM = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----[^]{0,16000}?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|$)/g

export const SECRET_MARK = '[secret]'
/** Everything above holds one of these. */
const ANY =
  /sk[-_]|rk_|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|AIza|ya29|npm_|hf_|SG\.|eyJ|AGE-S|\d:|bearer|basic|-----BEGIN|(?:key|secret|token|passw(?:or)?d|passphrase|pwd)["'`]{0,2} {0,2}(?:[:=]|is)/i

export function findCredentials(text: string): readonly Span[] {
  if (!ANY.test(text)) return NONE
  const spans: Span[] = []
  for (const { 0: found, index } of text.matchAll(TOKEN)) if (isIssued(found)) spans.push({ from: index, until: index + found.length, text: SECRET_MARK })
  for (const { 0: found, index } of text.matchAll(BOT_TOKEN)) if (isRandom(found)) spans.push({ from: index, until: index + found.length, text: SECRET_MARK })
  for (const pattern of [BEARER, CALLED]) {
    for (const { 0: found, 1: value = '', index } of text.matchAll(pattern)) {
      if (isRandom(value)) spans.push({ from: index + found.length - value.length, until: index + found.length, text: SECRET_MARK })
    }
  }
  if (text.includes('-----BEGIN'))
    for (const { 0: found, index } of text.matchAll(PEM)) spans.push({ from: index, until: index + found.length, text: SECRET_MARK })
  return spans
}
const NONE: readonly Span[] = []

/** Names of things (`sk-learn-…`) begin like some keys, but are made of words. */
function isIssued(token: string): boolean {
  return /^(?:sk-|hf_|npm_|glpat-|xox)/.test(token) ? isRandom(token) : true
}

/** Letters and digits in no order: many changes between small letters, capitals and digits, and no few characters only. */
export function isRandom(text: string): boolean {
  let changes = 0
  let last = ''
  const counts = new Map<string, number>()
  for (const one of text) {
    counts.set(one, (counts.get(one) ?? 0) + 1)
    const kind = one >= '0' && one <= '9' ? 'digit' : one >= 'a' && one <= 'z' ? 'small' : one >= 'A' && one <= 'Z' ? 'capital' : ''
    if (kind === '') continue
    if (last !== '' && kind !== last) changes++
    last = kind
  }
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return /\d/.test(text) && changes * 5 >= text.length && bits >= 3
}

const BEGINNINGS: ReadonlySet<string> = new Set([...PREFIXES, '-----BEGIN '].flatMap((prefix) => Array.from(prefix, (_, index) => prefix.slice(0, index + 1))))
const LONGEST_BEGINNING = Math.max(...PREFIXES.map((prefix) => prefix.length))
const OPEN_TOKEN = new RegExp(`(?<![A-Za-z0-9_-])(?:(?:${alternatives(PREFIXES)})[A-Za-z0-9_.-]{0,5000}|\\d{8,10}(?::[A-Za-z0-9_-]{0,35})?)$`)
const OPEN_VALUE =
  /(?:(?<![A-Za-z])(?:Bearer|Basic) {1,3}|(?:api[ _-]?key|secret|token|passw(?:or)?d|passphrase|pwd)["'`]{0,2} {0,2}(?:[:=]|is) {0,2}["'`]{0,2})([A-Za-z0-9._+/=~-]{1,4000})$/i
const OPEN_PEM = /-----BEGIN [A-Z0-9 ]{0,50}(?:-{1,5}(?![^]{0,16000}-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----)[^]{0,16000})?$/
/** What tokens and values are made of. */
const INSIDE = Uint8Array.from({ length: 128 }, (_, code) => (/[A-Za-z0-9._+/=~:-]/.test(String.fromCharCode(code)) ? 1 : 0))
const MAX_NAME = 40

/** How many characters at the end may be the beginning of a credential. `before` is what has left already. */
export function credentialsUnfinished(text: string, before: string): number {
  // Token and value end the text, so that only its last word, and what names it, are looked at.
  let word = text.length
  while (word > 0 && INSIDE[text.charCodeAt(word - 1)] === 1) word--
  const pem = text.includes('-----BEGIN') ? OPEN_PEM.exec(text) : null
  return Math.max(beginning(text, before), word === text.length ? 0 : openWord(text, word, before), pem === null ? 0 : text.length - pem.index)
}

function beginning(text: string, before: string): number {
  for (let length = Math.min(LONGEST_BEGINNING, text.length); length > 0; length--) {
    const end = text.slice(-length)
    if (BEGINNINGS.has(end) && (end.startsWith('-') || !/[A-Za-z0-9_-]/.test((before + text).at(-length - 1) ?? ''))) return length
  }
  return 0
}

function openWord(text: string, word: number, before: string): number {
  const token = OPEN_TOKEN.exec(text.slice(word))
  const named = word < MAX_NAME ? before.slice(-MAX_NAME) + text : text.slice(word - MAX_NAME)
  const value = OPEN_VALUE.exec(named)
  return Math.max(token === null ? 0 : text.length - word - token.index, Math.min(text.length, (value?.[1] ?? '').length))
}
