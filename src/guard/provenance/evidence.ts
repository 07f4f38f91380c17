/**
 * What a conversation has shown, kept piece by piece with its origin: the owner's words, what tools answered, and the arguments that were sent. Grows with the conversation;
 * a piece is read for values only when a call asks for them. Errors are no evidence: a refusal repeats what it refused.
 */
import type { JsonValue } from '../../contracts/json.ts'
import type { Message, ToolCallPart, ToolResultPart } from '../../contracts/message.ts'
import type { Origin } from '../../contracts/origin.ts'
import { describeSuspicion, type Suspicion } from '../../contracts/suspicion.ts'
import type { AnyTool, ToolManifest } from '../../contracts/tool.ts'
import { valuesAt } from '../stages/tool/values-at.ts'
import { squeeze } from './fold.ts'
import { Piece } from './piece.ts'
import { SentArguments } from './sent.ts'
import { classify, type Value } from './values.ts'

/** A call that went through: no error came back. */
export interface Deed {
  readonly tool: string
  readonly at: number
  readonly effect: 'read' | 'write' | 'egress' | 'irreversible'
  readonly arguments: readonly string[]
  /** Which objects it acted on. */
  readonly targets: readonly { readonly name: string; readonly text: string }[]
  /** What it carried, as letters and digits; empty for what stayed inside. */
  readonly carried: string
}

/** Older pieces than these are forgotten: what they would have vouched for is asked about. */
const MAX_PIECES = 2000
const MAX_CALLS = 2000
/** Characters at the end of what a call carried: a value may go on in the next call. */
const MAX_CARRIED = 256

export class Evidence {
  readonly #tools: ReadonlyMap<string, AnyTool>
  readonly #pieces: Piece[] = []
  readonly #sent = new SentArguments()
  readonly #open = new Map<string, ToolCallPart>()
  readonly #deeds: Deed[] = []
  readonly #granted = new Set<string>()
  #standing: ReadonlySet<string> = new Set()
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
      else if (part.type === 'text' && message.role !== 'assistant') this.#addText(part.text, part.origin, part.suspicion)
    }
  }

  /** The owner has answered a question about these values: they are his words from now on. */
  grant(values: readonly string[]): void {
    for (const value of values) this.#granted.add(keyOf(classify(value)))
  }

  /** The owner's standing words as they are now: what he has taken back is gone. */
  stand(values: readonly string[]): void {
    this.#standing = new Set(values.map((value) => keyOf(classify(value))))
  }

  isGranted(value: Value): boolean {
    const key = keyOf(value)
    return this.#granted.has(key) || this.#standing.has(key)
  }

  /** Whether a result may have said only what the calls up to it had sent. */
  isEcho(value: Value, piece: Piece): boolean {
    return this.#sent.includes(value, piece.at)
  }

  #addText(text: string, origin: Origin, suspicion: readonly Suspicion[] | undefined): void {
    const standing = origin.author.kind === 'owner' && origin.trust === 'trusted' ? 'owner' : 'untrusted'
    this.#push(
      new Piece({
        text,
        origin,
        standing,
        at: this.#calls,
        source: [],
        isReceipt: false,
        structured: false,
        label: standing === 'owner' ? 'your words' : `${describeAuthor(origin)}${remark(suspicion)}`,
      }),
    )
  }

  #addCall(part: ToolCallPart): void {
    this.#open.set(part.callId, part)
    this.#addSent(part.input)
  }

  #addSent(input: JsonValue): void {
    if (this.#sent.count < MAX_CALLS) this.#sent.add(leaves(input))
    this.#calls++
  }

  #addResult(part: ToolResultPart): void {
    const call = this.#open.get(part.callId)
    this.#open.delete(part.callId)
    if (part.isError) return
    const input = part.ranWith ?? call?.input
    if (part.ranWith !== undefined) this.#addSent(part.ranWith)
    const asked = input === undefined ? [] : leaves(input)
    const manifest = this.#tools.get(part.tool)?.manifest
    if (this.#deeds.length < MAX_CALLS) {
      const targets =
        call === undefined
          ? []
          : (manifest?.targets ?? []).flatMap((path) =>
              valuesAt(call.input, path.split('.'))
                .flatMap(leaves)
                .map((text) => ({ name: path, text })),
            )
      const effect = manifest?.effect ?? 'irreversible'
      const content = call === undefined || effect === 'read' || effect === 'write' ? [] : contentOf(call.input, manifest)
      this.#deeds.push({ tool: part.tool, at: this.#calls, effect, arguments: asked, targets, carried: squeeze(content.join('').slice(-MAX_CARRIED)) })
    }
    const isTrusted = part.origin.trust === 'trusted' && manifest?.returns.trust === 'trusted' && this.#calls <= MAX_CALLS
    const standing = !isTrusted ? 'untrusted' : manifest.returns.curated ? 'curated' : 'trusted'
    this.#push(
      new Piece({
        text: part.output,
        origin: part.origin,
        standing,
        at: this.#calls,
        source: manifest === undefined ? [] : [...manifest.destinations, ...manifest.paths].flatMap((path) => valuesAt(input, path.split('.')).flatMap(leaves)),
        isReceipt: manifest?.effect !== 'read',
        structured: manifest?.returns.records ?? false,
        label: `a result of ${part.tool}${remark(part.suspicion)}`,
      }),
    )
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece)
    if (this.#pieces.length > MAX_PIECES) this.#pieces.shift()
  }
}

function contentOf(input: JsonValue, manifest: ToolManifest | undefined): readonly string[] {
  if (manifest === undefined) return leaves(input)
  const paths = manifest.content.filter((path) => !manifest.destinations.includes(path))
  return paths.flatMap((path) => valuesAt(input, path.split('.')).flatMap(leaves))
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

/** What the owner is told of a source that speaks to the model. */
function remark(suspicion: readonly Suspicion[] | undefined): string {
  return suspicion === undefined ? '' : ` that ${describeSuspicion(suspicion)}`
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
