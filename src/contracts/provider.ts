/** What a model is asked and what it answers, independent of any vendor. */
import type { Cleared } from './cleared.ts'
import type { ErrorCode } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Message } from './message.ts'
import type { Usage } from './usage.ts'

export interface ToolDefinition {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments object. */
  readonly parameters: JsonObject
  /** Asks the vendor for schema-exact arguments where it can. */
  readonly strict?: boolean
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly tool: string }

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | { readonly type: 'json-schema'; readonly name: string; readonly schema: JsonObject; readonly strict?: boolean }

export interface ModelRequest {
  /** The vendor's model name, without the `provider:` prefix. */
  readonly model: string
  readonly system: string
  readonly messages: readonly Message[]
  readonly tools: readonly ToolDefinition[]
  readonly toolChoice?: ToolChoice
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly stop?: readonly string[]
  readonly responseFormat?: ResponseFormat
  readonly reasoningEffort?: 'low' | 'medium' | 'high'
  /** Stable per conversation: vendors that route by a cache key get it; those with explicit cache marks put them on system, tools and the last message. */
  readonly cacheKey?: string
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'refused'

export type ModelEvent =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  /** Closes one reasoning block; carries what must be replayed with it. */
  | { readonly type: 'reasoning-end'; readonly signature?: string; readonly redacted?: boolean }
  | { readonly type: 'tool-call-start'; readonly callId: string; readonly tool: string }
  | { readonly type: 'tool-call-delta'; readonly callId: string; readonly text: string }
  | {
      readonly type: 'tool-call-end'
      readonly callId: string
      readonly tool: string
      readonly input: JsonValue
      readonly invalidInput?: string
      readonly signature?: string
    }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly type: 'error'; readonly fault: ModelFault }

export type FaultKind =
  | 'auth'
  | 'rate-limit'
  | 'overloaded'
  | 'context-too-long'
  | 'refused'
  | 'network'
  | 'bad-request'
  /** The caller's own signal ended the stream. */
  | 'cancelled'

/** The catalogue's code for each kind. */
export const faultCodes: Readonly<Record<FaultKind, ErrorCode>> = {
  auth: 'provider/auth',
  'rate-limit': 'provider/rate-limit',
  overloaded: 'provider/overloaded',
  'context-too-long': 'provider/context-too-long',
  refused: 'provider/refused',
  network: 'provider/unreachable',
  'bad-request': 'provider/bad-request',
  cancelled: 'turn/cancelled',
}

/** Why a model call failed. `message` is scrubbed: no key, no token, no query string, no body longer than 500 characters. */
export interface ModelFault {
  readonly kind: FaultKind
  readonly message: string
  readonly status?: number
  /** Milliseconds the vendor asked us to wait. */
  readonly retryAfterMs?: number
}

/** What shared code may ask about a provider; it never asks its id. */
export interface ProviderTraits {
  readonly images: boolean
  readonly tools: boolean
  /** Tokens of the window, where all models of this connection share one. */
  readonly contextTokens?: number
  /** The provider is the built-in demo: sessions say so in their first line. */
  readonly demo: boolean
}

export interface ModelInfo {
  readonly id: string
  readonly contextTokens?: number
}

/**
 * One connection to a vendor.
 *
 * `stream`: zero or more parts, then exactly one `finish` or `error`, then the end. Never throws. Abort ends the stream with a `cancelled` error and closes the
 * upstream connection. Makes exactly one upstream request: retry and failover belong to the caller (`agent/call-model.ts`).
 */
export interface Provider {
  readonly id: string
  readonly traits: ProviderTraits
  stream(request: Cleared<ModelRequest>, signal: AbortSignal): AsyncIterable<ModelEvent>
  /** Models the vendor lists; throws `AppError('provider/unreachable')` when it cannot. */
  listModels(signal: AbortSignal): Promise<readonly ModelInfo[]>
}
