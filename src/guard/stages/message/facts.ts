/** What the message stages know besides the message. */
import type { SecretRegistry } from '../../../contracts/log.ts'

export interface InboundContext {
  readonly secrets: SecretRegistry
}

export interface PromptContext {
  /** The system prompt that we composed for this turn; nothing else may stand there. */
  readonly systemPrompt: string
  readonly windowTokens: number
  /** Estimated tokens of the whole request. */
  readonly estimatedTokens: number
}

export interface OutboundText {
  readonly text: string
}

export interface OutboundContext {
  readonly secrets: SecretRegistry
}
