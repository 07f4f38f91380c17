/**
 * How an argument's value is known. Each way is a rule with its reason in docs/security/provenance.md; what no rule finds is known from untrusted text alone, or from nowhere.
 */
import { decodings } from './decode.ts'
import type { Evidence } from './evidence.ts'
import type { Piece } from './piece.ts'
import { fold, isPlain, squeeze } from './fold.ts'
import { isHisOwn, isLinked } from './linked.ts'
import { beginnings, isAskedFor, isNamed, nounsOf, ownerPieces, speaksOfKind, type Argument } from './owner-words.ts'
import { classify, isTyped } from './values.ts'

export interface Trace {
  /**
   * `owner`: he said it, or answered for it. `linked`: a record that he named holds it. `completed`: he gave its beginning, and one value completes it. `delegated`: he said
   * where to look it up. `code`: it confirms what was already let through. `seen`: a trusted or curated result, without a word of his. The rest is not known.
   */
  readonly by: 'owner' | 'linked' | 'completed' | 'delegated' | 'code' | 'seen' | 'untrusted' | 'nowhere' | 'disguised'
  /** Where it came from, for people. */
  readonly evidence: string
}

/** Known by a word of the owner, not only by having been seen. */
export function isOwners({ by }: Trace): boolean {
  return by === 'owner' || by === 'linked' || by === 'completed' || by === 'delegated' || by === 'code'
}

export function argument(name: string, text: string): Argument {
  return { name, text, value: classify(text) }
}

export function trace(wanted: Argument, tool: string, evidence: Evidence): Trace {
  if (!isPlain(wanted.text)) return { by: 'disguised', evidence: 'it holds characters that look like others, or cannot be seen' }
  const owner = ownerPieces(evidence)
  if (evidence.isGranted(wanted.value) || isNamed(wanted, owner)) return { by: 'owner', evidence: 'your own words' }
  if (isAskedFor(tool, owner)) {
    if (isHisOwn(wanted, evidence, owner)) return { by: 'linked', evidence: 'your own record' }
    if (isLinked(wanted, evidence, owner)) return { by: 'linked', evidence: 'the record that you named' }
    if (isCompletion(wanted, evidence, owner)) return { by: 'completed', evidence: 'the only name with the beginning that you gave' }
    if (isDelegated(wanted, evidence, owner)) return { by: 'delegated', evidence: 'the only one of its kind where you said to look it up' }
  }
  if (isConfirmation(wanted, evidence)) return { by: 'code', evidence: 'a code that came after the action which it confirms' }
  const seen = evidence.pieces.find((piece) => isVouchedFor(wanted, piece, evidence))
  if (seen !== undefined) return { by: 'seen', evidence: seen.label }
  return findUntrusted(wanted, evidence)
}

/** A small number stands everywhere: it is only known as the identity of a record. */
function isVouchedFor({ value }: Argument, piece: Piece, evidence: Evidence): boolean {
  if (piece.standing !== 'trusted' && piece.standing !== 'curated') return false
  const holds =
    value.kind === 'number'
      ? piece.records.some((record) => record.entries().some(([key, [id]]) => isIdentity(key) && id?.text === value.key))
      : piece.has(value)
  return holds && !evidence.isEcho(value, piece)
}

export function isIdentity(name: string): boolean {
  return nounsOf(name).some((noun) => noun === 'id' || noun === 'uuid' || noun === 'key')
}

function isCompletion({ text, value }: Argument, evidence: Evidence, owner: readonly Piece[]): boolean {
  if (value.kind !== 'words' || text.length > 64) return false
  const start = beginnings(owner).find((each) => text.startsWith(each))
  if (start === undefined) return false
  const names = evidence.pieces
    .flatMap((piece) => piece.records.flatMap((record) => record.values().toArray().flat()))
    .filter((field) => field.text.startsWith(start))
  return names.every((field) => field.text === text) && evidence.pieces.some((piece) => piece.has(value) && !evidence.isEcho(value, piece))
}

/** He named the source, and what kind of value to take from there; it holds exactly one. */
function isDelegated({ value }: Argument, evidence: Evidence, owner: readonly Piece[]): boolean {
  if (!isTyped(value) || !speaksOfKind(value.kind, owner)) return false
  const sources = evidence.pieces.filter((piece) => piece.source.some((each) => isSourceName(each, owner)))
  const values = new Set(sources.flatMap(({ found }) => found[value.kind].values().toArray()))
  return values.size === 1 && sources.some((piece) => piece.has(value) && !evidence.isEcho(value, piece))
}

/** A page or a file, by its full name. */
function isSourceName(text: string, owner: readonly Piece[]): boolean {
  const named = argument('', text)
  return named.value.kind === 'url' && isNamed(named, owner)
}

/** Nobody can choose a code that is valid: it confirms what was begun, and that was judged when it began. It must have come since, and be the only one that has. */
function isConfirmation({ text, value }: Argument, evidence: Evidence): boolean {
  if (!/^\d{4,8}$/.test(text)) return false
  const begun = evidence.deeds.findLast(({ effect }) => effect === 'irreversible')
  if (begun === undefined) return false
  const before = evidence.pieces.filter(({ at }) => at < begun.at)
  const codes = (pieces: readonly Piece[]) => new Set(pieces.flatMap((piece) => Array.from(piece.text.matchAll(CODE), ([, code]) => code ?? '')))
  const old = codes(before)
  const since = codes(evidence.pieces.filter(({ origin }) => origin.private)).difference(old)
  return since.size === 1 && since.has(text) && !before.some((piece) => piece.has(value))
}
const CODE = /\b(?:code|otp|pin|passcode|one-time password)\b[^\d\n]{0,40}\b(\d{4,8})\b/giu

function findUntrusted({ text, value }: Argument, evidence: Evidence): Trace {
  const inside = [text, ...decodings(text)].map(squeeze).filter((each) => each.length >= 5)
  for (const piece of evidence.pieces) {
    if (piece.standing === 'owner') continue
    const isHere = piece.has(value) || inside.some((each) => piece.squeezed.includes(each))
    if (isHere) return { by: 'untrusted', evidence: `${piece.label}: “${excerpt(piece.text, text)}”` }
  }
  return { by: 'nowhere', evidence: 'nothing in this conversation says it' }
}

function excerpt(text: string, value: string): string {
  const line = fold(text)
  const whole = new RegExp(`(?<![\\p{L}\\p{N}])${RegExp.escape(fold(value).trim())}(?![\\p{L}\\p{N}])`, 'u')
  const at = Math.max(0, line.search(whole))
  return line
    .slice(Math.max(0, at - 40), at + 60)
    .replaceAll(/\s+/g, ' ')
    .trim()
}
