/** What the message stages know besides the message. */
import type { SecretRegistry } from '../../../contracts/log.ts'

/** What becomes of text of others that looks like instructions: nothing, a warning in its mark, or a notice in its place (results of tools only). */
export type InjectionMode = 'off' | 'mark' | 'withhold'

export interface InboundContext {
  readonly secrets: SecretRegistry
  readonly injection: InjectionMode
}

export interface PromptContext {
  /** The system prompt that we composed for this turn; nothing else may stand there. */
  readonly systemPrompt: string
  readonly windowTokens: number
  /** Estimated tokens of the whole request. */
  readonly estimatedTokens: number
  readonly injection: InjectionMode
}

/** One text of a call's arguments. */
export interface ArgumentText {
  readonly text: string
}
