/** The conversation vocabulary, independent of any vendor. */
import type { JsonValue } from './json.ts'
import type { Origin } from './origin.ts'
import type { Suspicion } from './suspicion.ts'

export interface TextPart {
  readonly type: 'text'
  readonly text: string
  readonly origin: Origin
  /** What the guard found odd about a text of others. */
  readonly suspicion?: readonly Suspicion[]
}
/** An inline image; `data` is standard base64 without a prefix. */
export interface ImagePart {
  readonly type: 'image'
  readonly mediaType: string
  readonly data: string
  readonly origin: Origin
}
/**
 * A model's own reasoning. `signature` is an opaque token of the vendor (Anthropic thinking signature, redacted thinking, Bedrock's), sent back unchanged and only to
 * the model that wrote it (`model`, as `provider:model`).
 */
export interface ReasoningPart {
  readonly type: 'reasoning'
  readonly text: string
  readonly signature?: string
  readonly redacted?: boolean
  readonly model: string
}
export interface ToolCallPart {
  readonly type: 'tool-call'
  /** Unique within the turn; the vendor's id where it gave one. */
  readonly callId: string
  readonly tool: string
  /** Parsed arguments; `null` when the model's text was not JSON (then `invalidInput` holds that text). */
  readonly input: JsonValue
  readonly invalidInput?: string
  /** Opaque vendor token that must go back with the call (Gemini `thoughtSignature`). */
  readonly signature?: string
}
export interface ToolResultPart {
  readonly type: 'tool-result'
  readonly callId: string
  readonly tool: string
  readonly output: string
  readonly isError: boolean
  readonly origin: Origin
  /** What the guard found odd about it, where others wrote it. */
  readonly suspicion?: readonly Suspicion[]
  /** Arguments that the owner put in the place of the model's. */
  readonly ranWith?: JsonValue
  /** What the owner said with his yes. Never part of `output`: that may be a text of others. */
  readonly note?: string
}

export type UserPart = TextPart | ImagePart
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart

/** `system` messages appear only in contexts that a client of `/v1` supplies; our own system prompt is `ModelRequest.system`. */
export type Message =
  | { readonly role: 'system'; readonly parts: readonly TextPart[] }
  | { readonly role: 'user'; readonly parts: readonly UserPart[] }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly parts: readonly ToolResultPart[] }

/** The text of a message's text parts, joined. */
export function textOf(message: Message): string {
  let text = ''
  for (const part of message.parts) if (part.type === 'text') text += part.text
  return text
}

/** What an assistant said in several steps of one turn, as one text. */
export function joinTexts(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(TEXT_SEPARATOR)
}

export const TEXT_SEPARATOR = '\n\n'
