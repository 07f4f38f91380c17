/** Turns as the owner looks at them: where each stands, and what it did. */
import type { ErrorCode } from './errors.ts'
import type { Message } from './message.ts'
import type { HeldTurn } from './turn-lease.ts'
import type { TurnStatus } from './turn.ts'

/** `left`: nobody carries it on, and it waits for nothing. */
export type TurnState = 'queued' | 'running' | 'waiting' | 'left' | TurnStatus

export interface TurnOverview extends HeldTurn {
  readonly sessionKey: string | null
  readonly door: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  readonly state: TurnState
  /** Questions to the owner that wait. */
  readonly questions: number
  /** When it goes on by itself, where it waits for a moment. */
  readonly wakesAt: number | null
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
  /** The model that gave the last answer; empty while there is none. */
  readonly model: string
  /** How long it took, once it has ended. */
  readonly durationMs: number | null
}

/** A line of a journal. */
export type StoryLine = { readonly at: number } & (
  | { readonly kind: 'asked' | 'answered' | 'returned' | 'replied'; readonly message: Message }
  | { readonly kind: 'began'; readonly tool: string; readonly callId: string; readonly effectId: string }
)

export interface TurnHistory {
  /** Newest first. */
  list(query: { readonly limit: number; readonly sessionKey?: string; readonly isOpen?: boolean }): Promise<readonly TurnOverview[]>
  get(turnId: string): Promise<TurnOverview | null>
  /** The lines of its journal, the oldest first. */
  story(turnId: string): Promise<readonly StoryLine[]>
  /**
   * Takes the end of a turn back, so that it can go on from its journal: nobody holds it then. False where it was completed, or its conversation has gone on since.
   */
  reopen(turnId: string): Promise<boolean>
}
