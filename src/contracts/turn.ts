/** One message and everything that answers it. */
import type { Approval } from './approval.ts'
import type { ErrorCode } from './errors.ts'
import type { JsonValue } from './json.ts'
import type { Message, ToolCallPart, UserPart } from './message.ts'
import type { Author } from './origin.ts'
import type { FaultKind, ResponseFormat, ToolChoice, ToolDefinition } from './provider.ts'
import type { JobClaim } from './schedule.ts'
import type { TaskClaim } from './task.ts'
import type { Usage } from './usage.ts'

/** What a door hands to intake. Every part already carries its origin. */
export interface InboundMessage {
  /** The door it came through: `ws`, `openai`, `cli`, a channel's id. */
  readonly door: string
  readonly sender: Author
  /** Key of the stored conversation, or null for a stateless request whose context is `context`. */
  readonly sessionKey: string | null
  readonly parts: readonly UserPart[]
  /** The same key of the same conversation within 24 h is the same message: intake answers with the first turn. */
  readonly idempotencyKey?: string
  /** `Principal.credential` of who sent it: asked again before a turn that waited, or that an earlier process accepted, begins. */
  readonly credential?: string
  /** The run of a job or a task that this is: taken in the commit that journals the message, which stands only if nobody has it yet. */
  readonly claim?: JobClaim | TaskClaim
  readonly options: TurnOptions
}

/** Who sent it, for receipts: the credential, where there is one. */
export function sentBy({ credential, sender }: Pick<InboundMessage, 'credential' | 'sender'>): string {
  return credential ?? sender.kind
}

/** What a caller may ask of one turn; absent means the configured default. */
export interface TurnOptions {
  /** `provider:model` or the name of a route. */
  readonly model?: string
  /** Earlier messages of a stateless request, oldest first. */
  readonly context?: readonly Message[]
  readonly temperature?: number
  readonly topP?: number
  readonly maxOutputTokens?: number
  readonly stop?: readonly string[]
  readonly responseFormat?: ResponseFormat
  readonly reasoningEffort?: 'low' | 'medium' | 'high'
  /** Tools of the caller: a call to one of them ends the turn and is handed back, never run here. */
  readonly clientTools?: readonly ToolDefinition[]
  readonly toolChoice?: ToolChoice
}

export interface AcceptedTurn {
  readonly turnId: string
  readonly sessionId: string | null
  readonly sessionKey: string | null
  /** `queued` when another turn of the same conversation runs first; `repeated` when the idempotency key was seen before. */
  readonly status: 'started' | 'queued' | 'repeated'
}

export type TurnStatus = 'completed' | 'failed' | 'cancelled'

export type BudgetKind = 'steps' | 'output-tokens' | 'wall-clock' | 'tool-time' | 'money' | 'calls' | 'repeated-call'

export interface ToolOutcome {
  readonly callId: string
  readonly tool: string
  readonly input: JsonValue
  readonly output: string
  readonly isError: boolean
  readonly ms: number
}

export interface TurnResult {
  readonly turnId: string
  readonly sessionKey: string | null
  readonly status: TurnStatus
  /** The reply, after the outbound guard. */
  readonly text: string
  readonly finishReason: 'stop' | 'length' | 'tool-calls' | 'refused'
  /** Calls to the caller's own tools that it must now run. */
  readonly clientToolCalls: readonly ToolCallPart[]
  readonly toolCalls: readonly ToolOutcome[]
  /** `provider:model` that gave the last answer. */
  readonly model: string
  readonly usage: Usage
  /** US dollars, or null where no price is known for the model. */
  readonly costUsd: number | null
  /** The budget that ended the turn early; the text says so too. */
  readonly stoppedBy?: BudgetKind
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string; readonly retryAfterMs?: number }
  readonly durationMs: number
}

/** What a turn reports while it runs, in order; `turn-finished` is the last and always comes. Text has passed the outbound guard. */
export type TurnEvent =
  | { readonly type: 'turn-started'; readonly model: string; readonly demo: boolean }
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'model-switched'; readonly from: string; readonly to: string; readonly reason: FaultKind }
  | { readonly type: 'model-retried'; readonly model: string; readonly reason: FaultKind; readonly waitMs: number }
  | { readonly type: 'tool-started'; readonly callId: string; readonly tool: string; readonly input: JsonValue }
  | { readonly type: 'tool-finished'; readonly outcome: ToolOutcome }
  /** The turn waits for the owner; `turn-started` comes again when it goes on. */
  | { readonly type: 'approval-requested'; readonly approvals: readonly Approval[] }
  | { readonly type: 'turn-finished'; readonly result: TurnResult }

/** How a listener wants text told: as it comes, or once for each answer of the model, which costs less. While somebody else wants pieces it hears them too. */
export type Pace = 'pieces' | 'answers'

/** Called synchronously and never awaited; a listener that throws is logged and dropped. */
export type TurnListener = (event: TurnEvent) => void
