/**
 * What a conversation has shown, kept piece by piece with its origin: the owner's words, what tools answered, and the arguments that were sent. Grows with the conversation;
 * a piece is read for values only when a call asks for them. Errors are no evidence: a refusal repeats what it refused.
 */
import type { JsonValue } from '../../contracts/json.ts'
import type { Message, ToolCallPart, ToolResultPart } from '../../contracts/message.ts'
import type { Origin } from '../../contracts/origin.ts'
import type { AnyTool } from '../../contracts/tool.ts'
import { decodings } from './decode.ts'
import { squeeze, words, type Word } from './fold.ts'
import { readRecords, type ResultRecord } from './records.ts'
import { classify, extract, isTyped, type Found, type Value } from './values.ts'

/** `owner`: his own words. `trusted`: his own or the system's facts. `curated`: a provider's catalogue or directory. `untrusted`: anybody's. */
export type Standing = 'owner' | 'trusted' | 'curated' | 'untrusted'

export class Piece {
  readonly text: string
  readonly standing: Standing
  readonly origin: Origin
  /** For people: `a result of mail_search`, `your words`. */
  readonly label: string
  /** How many calls had been made before this was said. */
  readonly at: number
  /** The arguments of the call that gave it. */
  readonly asked: readonly string[]
  /** Whether the call had an effect: then what it answers describes what the model itself has made. */
  readonly isReceipt: boolean
  readonly #structured: boolean
  #words: readonly Word[] | null = null
  #places: ReadonlyMap<string, readonly number[]> | null = null
  #squeezed: string | null = null
  #found: Found | null = null
  #records: readonly ResultRecord[] | null = null

  constructor(facts: Pick<Piece, 'text' | 'standing' | 'origin' | 'label' | 'at' | 'asked' | 'isReceipt'> & { readonly structured: boolean }) {
    this.text = facts.text
    this.standing = facts.standing
    this.origin = facts.origin
    this.label = facts.label
    this.at = facts.at
    this.asked = facts.asked
    this.isReceipt = facts.isReceipt
    this.#structured = facts.structured
  }

  get words(): readonly Word[] {
    return (this.#words ??= words(this.text))
  }

  get found(): Found {
    return (this.#found ??= extract(this.text))
  }

  /** Empty where third parties write the whole text, and could write records. */
  get records(): readonly ResultRecord[] {
    return (this.#records ??= this.#structured ? readRecords(this.text) : [])
  }

  get squeezed(): string {
    return (this.#squeezed ??= squeeze(this.text))
  }

  /** Where a value begins, as word indexes. */
  places(wanted: readonly Word[]): readonly number[] {
    this.#places ??= indexOf(this.words)
    const starts = this.#places.get(wanted[0]?.text ?? '') ?? []
    return wanted.length < 2 ? starts : starts.filter((start) => wanted.every(({ text }, offset) => this.words[start + offset]?.text === text))
  }

  /** Values of a kind are compared by their normal form, names word by word. */
  has(value: Value): boolean {
    return isTyped(value) ? this.found[value.kind].has(value.key) : this.places(words(value.key)).length > 0
  }
}

function indexOf(all: readonly Word[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>()
  for (const [index, { text }] of all.entries()) {
    const known = places.get(text)
    if (known === undefined) places.set(text, [index])
    else known.push(index)
  }
  return places
}

/** A call that went through: no error came back. */
export interface Deed {
  readonly tool: string
  readonly at: number
  readonly effect: 'read' | 'write' | 'egress' | 'irreversible'
  readonly arguments: readonly string[]
}

/** The arguments of one call, all together: a value may be split over them. */
class Sent {
  readonly #text: string
  #forms: readonly string[] | null = null
  #words: ReadonlySet<string> | null = null

  constructor(text: string) {
    this.#text = text
  }

  /** As they are and as their encoded words read, letters and digits alone. */
  get forms(): readonly string[] {
    return (this.#forms ??= [this.#text, ...decodings(this.#text)].map(squeeze))
  }

  get words(): ReadonlySet<string> {
    return (this.#words ??= new Set(words(this.#text).map(({ text }) => text)))
  }
}

/** Older pieces than these are forgotten: what they would have vouched for is asked about. */
const MAX_PIECES = 2000
const MAX_CALLS = 2000

export class Evidence {
  readonly #tools: ReadonlyMap<string, AnyTool>
  readonly #pieces: Piece[] = []
  readonly #sent: Sent[] = []
  readonly #open = new Map<string, ToolCallPart>()
  readonly #deeds: Deed[] = []
  readonly #granted = new Set<string>()
  #calls = 0

  /** `own`: the owner's addresses and account names, and destinations that he has allowed for good. */
  constructor(tools: ReadonlyMap<string, AnyTool>, own: readonly string[] = []) {
    this.#tools = tools
    this.grant(own)
  }

  get pieces(): readonly Piece[] {
    return this.#pieces
  }

  get deeds(): readonly Deed[] {
    return this.#deeds
  }

  add(message: Message): void {
    for (const part of message.parts) {
      if (part.type === 'tool-call') this.#addCall(part)
      else if (part.type === 'tool-result') this.#addResult(part)
      else if (part.type === 'text' && message.role !== 'assistant') this.#addText(part.text, part.origin)
    }
  }

  /** The owner has answered a question about these values: they are his words from now on. */
  grant(values: readonly string[]): void {
    for (const value of values) this.#granted.add(keyOf(classify(value)))
  }

  isGranted(value: Value): boolean {
    return this.#granted.has(keyOf(value))
  }

  /**
   * Whether a result said only what a call before it had sent: as it was, spaced and cut otherwise, over several arguments, or encoded. Then it vouches for nothing.
   */
  isEcho(value: Value, piece: Piece): boolean {
    const key = squeeze(value.key)
    const sent = this.#sent.slice(0, piece.at)
    if (key.length < 5) return sent.some((each) => each.words.has(value.key))
    return sent.some(({ forms }) => forms.some((form) => form.includes(key))) || this.#isSplit(key, piece.at)
  }

  /** Whether it was put together out of what several calls had sent, one after the other. */
  #isSplit(key: string, until: number): boolean {
    const joined = this.#sent
      .slice(0, until)
      .map(({ forms }) => forms[0] ?? '')
      .join('')
    return joined.includes(key)
  }

  #addText(text: string, origin: Origin): void {
    const standing = origin.author.kind === 'owner' && origin.trust === 'trusted' ? 'owner' : 'untrusted'
    this.#push(
      new Piece({
        text,
        origin,
        standing,
        at: this.#calls,
        asked: [],
        isReceipt: false,
        structured: false,
        label: standing === 'owner' ? 'your words' : describeAuthor(origin),
      }),
    )
  }

  #addCall(part: ToolCallPart): void {
    this.#open.set(part.callId, part)
    if (this.#calls < MAX_CALLS) this.#sent.push(new Sent(leaves(part.input).join('\n')))
    this.#calls++
  }

  #addResult(part: ToolResultPart): void {
    const call = this.#open.get(part.callId)
    this.#open.delete(part.callId)
    if (part.isError) return
    const asked = call === undefined ? [] : leaves(call.input)
    const manifest = this.#tools.get(part.tool)?.manifest
    if (this.#deeds.length < MAX_CALLS) this.#deeds.push({ tool: part.tool, at: this.#calls, effect: manifest?.effect ?? 'irreversible', arguments: asked })
    const isTrusted = part.origin.trust === 'trusted' && manifest?.returns.trust === 'trusted' && this.#calls <= MAX_CALLS
    const standing = !isTrusted ? 'untrusted' : manifest.returns.curated ? 'curated' : 'trusted'
    this.#push(
      new Piece({
        text: part.output,
        origin: part.origin,
        standing,
        at: this.#calls,
        asked,
        isReceipt: manifest?.effect !== 'read',
        structured: manifest?.returns.records ?? false,
        label: `a result of ${part.tool}`,
      }),
    )
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece)
    if (this.#pieces.length > MAX_PIECES) this.#pieces.shift()
  }
}

/** Every scalar of an argument, as text. */
export function leaves(value: JsonValue): readonly string[] {
  if (value === null || typeof value === 'boolean') return []
  if (typeof value !== 'object') return [String(value)]
  return Object.values(value).flatMap(leaves)
}

function keyOf({ kind, key }: Value): string {
  return `${kind} ${key}`
}

function describeAuthor({ author }: Origin): string {
  switch (author.kind) {
    case 'web':
      return `a page of ${author.host}`
    case 'file':
      return 'a file'
    case 'peer':
      return `a message of ${author.channel}:${author.id}`
    default:
      return `text of ${author.kind}`
  }
}
