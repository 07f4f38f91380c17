import type { UserPart } from './message.ts'

/** What a tool asks a model beside the conversation: without tools and without history. */
export interface Question {
  readonly system: string
  readonly parts: readonly UserPart[]
  readonly maxOutputTokens: number
  /** `provider:model` or a route; null for the models of the turn. */
  readonly model: string | null
}

export interface QuestionAnswer {
  readonly text: string
  /** `provider:model` that gave it. */
  readonly model: string
}

/**
 * Asks on account of the turn whose call asks: what it costs is the turn's. Passes the prompt checkpoint like every request. Throws `turn/budget`, `provider/no-images` where
 * there are images and no model that sees them, and the catalogue's code for what failed.
 */
export type AskModel = (question: Question, turnId: string, signal: AbortSignal) => Promise<QuestionAnswer>
