/** Records that the owner named: an event by its title, a file by its name, a person in the address book. Their fields are known, as long as they agree. */
import type { Evidence } from './evidence.ts'
import type { Piece } from './piece.ts'
import { asksForReply, isNamed, nounsOf, possessions, type Argument } from './owner-words.ts'
import type { Field, ResultRecord } from './records.ts'
import type { Value } from './values.ts'

/**
 * What he calls “my address” is in his own record, where only he or the system writes, and nothing else there bears that name. It leads to himself.
 */
export function isHisOwn({ name, value }: Argument, evidence: Evidence, owner: readonly Piece[]): boolean {
  const noun = nounsOf(name).at(-1)
  if (noun === undefined || noun.length < 4 || !possessions(owner).has(noun)) return false
  const own = evidence.pieces.filter(({ standing, origin, isReceipt }) => standing === 'trusted' && origin.private && !isReceipt)
  const fields = own.flatMap((piece) =>
    piece.records.flatMap((record) =>
      record
        .entries()
        .flatMap(([key, values]) => (nounsOf(key).at(-1) === noun ? values.map((field) => ({ field, piece })) : []))
        .toArray(),
    ),
  )
  return fields.length > 0 && fields.every(({ field, piece }) => field.value?.key === value.key && !evidence.isEcho(value, piece))
}

interface Link {
  readonly field: string
  readonly label: string
}

/**
 * Holds for a value in a record one other field of which is, as a whole, a name that the owner said. Every record of that name must agree: a second one, which somebody else may have
 * made, leaves it open. What others can fill in gives only identities, and fields to arguments of the same name; an echo or a receipt gives nothing: the model wrote it.
 */
export function isLinked(wanted: Argument, evidence: Evidence, owner: readonly Piece[]): boolean {
  const sources = evidence.pieces.filter(({ standing, origin, isReceipt }) => !isReceipt && (standing !== 'untrusted' || origin.private))
  const links = sources.flatMap((piece) =>
    evidence.isEcho(wanted.value, piece) ? [] : piece.records.flatMap((record) => linksIn(record, wanted, piece.standing !== 'untrusted', owner)),
  )
  const records = evidence.pieces.flatMap((piece) => piece.records)
  return links.some(({ field, label }) => records.every((record) => !bears(record, label) || !record.has(field) || holds(record.get(field), wanted)))
}

function linksIn(record: ResultRecord, wanted: Argument, isTrusted: boolean, owner: readonly Piece[]): readonly Link[] {
  const fields = record
    .keys()
    .filter((key) => holds(record.get(key), wanted) && (isTrusted || fits(key, wanted.name, owner)))
    .toArray()
  if (fields.length === 0) return []
  const others = record.entries().flatMap(([key, values]) => (fields.includes(key) || values.length !== 1 ? [] : values))
  const labels = others.flatMap(({ text, value }) => (value !== null && isName(text, value, isTrusted, owner) ? [value] : [])).toArray()
  return fields.flatMap((field) => labels.map(({ key }) => ({ field, label: key })))
}

/** A single word in a record of others names nothing: senders are called like everybody. */
function isName(text: string, value: Value, isTrusted: boolean, owner: readonly Piece[]): boolean {
  if (text.length < 4 || text.length > 120 || (value.kind !== 'words' && value.kind !== 'url')) return false
  if (!isTrusted && value.kind === 'words' && !text.includes(' ')) return false
  return isNamed({ name: '', text, value }, owner)
}

function bears(record: ResultRecord, label: string): boolean {
  return record.values().some((values) => values.length === 1 && values[0]?.value?.key === label)
}

function holds(values: readonly Field[] | undefined, { value: wanted }: Argument): boolean {
  return values?.some(({ value }) => value?.key === wanted.key) === true
}

/** Who wrote a record, and to whom a message goes: the same person where the owner asks for an answer to what he named. */
const SENDERS = new Set(['sender', 'from', 'author', 'organizer'])
const RECIPIENTS = new Set(['recipient', 'to', 'email', 'address'])

/** An identity for an identity; another field only into the argument of its name, and only if the owner speaks of it: anybody can put an address into a mail's `cc`. */
function fits(field: string, argument: string, owner: readonly Piece[]): boolean {
  const [from, to] = [nounsOf(field), nounsOf(argument)]
  if (from.includes('id') && to.includes('id')) return true
  const noun = from.at(-1)
  if (SENDERS.has(noun ?? '') && RECIPIENTS.has(to.at(-1) ?? '')) return asksForReply(owner)
  return noun !== undefined && noun.length > 3 && noun === to.at(-1) && owner.some((piece) => piece.words.some(({ text }) => nounsOf(text).includes(noun)))
}
