/** Records that the owner named: an event by its title, a file by its name, a person in the address book. Their fields are known, as long as they agree. */
import type { Evidence, Piece } from './evidence.ts'
import { isNamed, nounsOf, type Argument } from './owner-words.ts'
import type { ResultRecord } from './records.ts'
import { classify } from './values.ts'

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
  const fields = [...record.keys()].filter((key) => holds(record.get(key), wanted) && (isTrusted || fits(key, wanted.name)))
  if (fields.length === 0) return []
  const labels = [...record]
    .flatMap(([key, values]) => (fields.includes(key) || values.length !== 1 ? [] : values))
    .filter((label) => isName(label, isTrusted, owner))
  return fields.flatMap((field) => labels.map((label) => ({ field, label })))
}

/** A single word in a record of others names nothing: senders are called like everybody. */
function isName(label: string, isTrusted: boolean, owner: readonly Piece[]): boolean {
  if (label.length < 4 || label.length > 120 || label.includes('\n')) return false
  const value = classify(label)
  if (!isTrusted && value.kind === 'words' && !label.includes(' ')) return false
  return (value.kind === 'words' || value.kind === 'url') && isNamed({ name: '', text: label, value }, owner)
}

function bears(record: ResultRecord, label: string): boolean {
  const { key } = classify(label)
  return record.values().some((values) => values.length === 1 && classify(values[0] ?? '').key === key)
}

function holds(values: readonly string[] | undefined, { value }: Argument): boolean {
  return values?.some((each) => classify(each).key === value.key) ?? false
}

function fits(field: string, argument: string): boolean {
  const [from, to] = [nounsOf(field), nounsOf(argument)]
  return (from.includes('id') && to.includes('id')) || (from.at(-1) !== undefined && from.at(-1) === to.at(-1))
}
