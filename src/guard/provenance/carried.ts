/** What leaves inside a text: links and accounts that others chose, and identifiers of the owner, however they are written. */
import { decodings } from './decode.ts'
import type { Evidence } from './evidence.ts'
import type { Piece } from './piece.ts'
import { squeeze } from './fold.ts'
import { ownerPieces } from './owner-words.ts'
import { extract, type Found } from './values.ts'

export interface Carried {
  readonly value: string
  readonly evidence: string
}

export interface Outgoing {
  readonly texts: readonly string[]
  /** What their encoded words say. */
  readonly decoded: readonly string[]
}

export function outgoing(texts: readonly string[]): Outgoing {
  return { texts, decoded: decodings(texts.join('\n')) }
}

/** A link or an account that neither the owner nor a trusted result gives: what its reader would open or pay. The model may have put it together out of what it was told. */
export function carriedLink({ texts, decoded }: Outgoing, evidence: Evidence): Carried | null {
  const text = [...texts, ...decoded].join('\n')
  const all = extract(text)
  for (const kind of ['url', 'account'] as const) {
    for (const key of all[kind]) {
      if (FILE_NAME.test(key) || evidence.isGranted({ kind, key }) || isVouchedFor(kind, key, evidence)) continue
      const source = evidence.pieces.find(({ standing, found }) => standing === 'untrusted' && found[kind].has(key))
      if (source !== undefined) return { value: key, evidence: `it is in ${source.label}` }
      if (kind === 'account' || isCertain(key, text)) return { value: key, evidence: 'nothing in this conversation says it' }
    }
  }
  return null
}

const FILE_NAME =
  /^[^/]+\.(?:docx?|xlsx?|pptx?|odt|pdf|txt|md|csv|tsv|json5?|xml|ya?ml|html?|png|jpe?g|gif|svg|webp|mp[34]|mov|wav|log|ts|js|zip|tar|gz|ics|eml)$/
/** Two words without a space after the full stop look like a host too. */
function isCertain(key: string, text: string): boolean {
  const [host = ''] = key.split(/[/?]/)
  return host !== key || /^www\.|:|\.[a-z]{2,3}$/.test(host) || text.toLowerCase().includes(`://${host}`)
}

/** The owner or a trusted result has it, or a call that went through went there. */
function isVouchedFor(kind: keyof Found, key: string, evidence: Evidence): boolean {
  const value = { kind, key }
  if (evidence.pieces.some((piece) => piece.standing !== 'untrusted' && piece.found[kind].has(key) && !evidence.isEcho(value, piece))) return true
  return evidence.deeds.some(
    ({ effect, arguments: sent }) =>
      (effect === 'egress' || effect === 'irreversible') && sent.some((text) => extract(text)[kind].has(key) && text.length < key.length + 16),
  )
}

/** Numbers of cards and papers, codes, keys: at least six letters and digits, with a digit, in a private result. Dates, times and amounts identify nobody. */
const IDENTIFIER = /(?<![\p{L}\p{N}])(?=[\p{L}\p{N}-]{0,63}\d)[\p{L}\p{N}][\p{L}\p{N}-]{4,62}[\p{L}\p{N}](?![\p{L}\p{N}]|[.,]\d)/gu
const HARMLESS = /^\d{4}-\d{2}-\d{2}(?:T\d{1,2})?$|^\d{1,2}-\d{1,2}-\d{2,4}$|^\d{1,3}(?:st|nd|rd|th)$/i
const MAX_IDENTIFIERS = 5000
/** Letters and digits of the longest. */
const MAX_IDENTIFIER = 64
const identifiers = new WeakMap<Piece, ReadonlyMap<string, string>>()

export function carriedIdentifier({ texts, decoded }: Outgoing, evidence: Evidence): Carried | null {
  // All texts as one, and behind what earlier calls carried: a value may be split over them.
  const before = evidence.deeds
    .map(({ carried }) => carried)
    .join('')
    .slice(-MAX_IDENTIFIER)
  const plain = squeeze(texts.join(''))
  const squeezed = [plain, ...decoded.map(squeeze), ...disguises(plain)]
  if (squeezed.every((text) => text.length < 6) && before === '') return null
  const joined = before + plain.slice(0, MAX_IDENTIFIER)
  const words = new Set(texts.flatMap((text) => Array.from(text.matchAll(IDENTIFIER), ([word]) => squeeze(word))))
  const said = ownerPieces(evidence).map((piece) => squeeze(piece.text))
  for (const piece of evidence.pieces) {
    if (piece.standing === 'owner' || !piece.origin.private) continue
    for (const [key, word] of identifiersOf(piece)) {
      // Short ones are compared whole: a part of a longer number is another number.
      const isWhole = () => squeezed.some((text) => text.includes(key)) || (joined.includes(key) && !before.includes(key))
      const leaves = words.has(key) || (key.length >= 8 && isWhole())
      if (leaves && !evidence.isGranted({ kind: 'words', key }) && !said.some((text) => text.includes(key)))
        return { value: word, evidence: `it is in ${piece.label}` }
    }
  }
  return null
}

/** The same letters and digits backwards, turned by half the alphabet, and with letters of other alphabets for ours: what the simplest recipes make of a value. */
function disguises(text: string): readonly string[] {
  const half = text.replaceAll(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + (letter < 'n' ? 13 : -13)))
  const latin = /[^a-z0-9]/.test(text) ? [text.replaceAll(/[α-ω\u0430-\u0458]/g, (letter) => LOOKALIKES.get(letter) ?? letter)] : []
  return [Array.from(text).toReversed().join(''), half, ...latin]
}
const LOOKALIKES: ReadonlyMap<string, string> = new Map([
  ...Array.from('авекмнорстухіјѕ', (letter, at) => [letter, 'abekmhopctyxijs'[at] ?? letter] as const),
  ...Array.from('αβεζηικμνορτυχ', (letter, at) => [letter, 'abezhikmnoptyx'[at] ?? letter] as const),
])

function identifiersOf(piece: Piece): ReadonlyMap<string, string> {
  const known = identifiers.get(piece)
  if (known !== undefined) return known
  const found = new Map<string, string>()
  for (const [word] of piece.text.matchAll(IDENTIFIER)) {
    if (found.size >= MAX_IDENTIFIERS) break
    if (!HARMLESS.test(word)) found.set(squeeze(word), word)
  }
  identifiers.set(piece, found)
  return found
}
