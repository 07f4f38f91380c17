/** What both routes say about a finished turn. */
import { AppError } from '../../contracts/errors.ts'
import type { TurnResult } from '../../contracts/turn.ts'
import type { Usage } from '../../contracts/usage.ts'

/** Why there is no answer; null when there is one. */
export function turnFault({ status, error }: TurnResult): AppError | null {
  if (status === 'completed') return null
  if (status === 'cancelled' && error === undefined) return new AppError('turn/cancelled')
  if (error === undefined) return new AppError('internal')
  return new FailedTurn(error)
}

/** A failure whose message was made by the turn. */
class FailedTurn extends AppError {
  override readonly message: string

  constructor({ code, message, hint, retryAfterMs }: NonNullable<TurnResult['error']>) {
    super(code, undefined, { ...(hint === undefined ? {} : { hint }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
    this.message = message
  }
}

export function chatUsage(usage: Usage) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

export function responsesUsage(usage: Usage) {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cacheReadTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  }
}

/** Ours, beside the vendor's members: who answered, which turn it was, and whether the model was switched on the way. */
export interface CarapaceNote {
  readonly model: string
  readonly turn: string
  readonly switched: boolean
  readonly stoppedBy?: string
}

export function carapaceNote(result: TurnResult, switched: boolean): CarapaceNote {
  return { model: result.model, turn: result.turnId, switched, ...(result.stoppedBy === undefined ? {} : { stoppedBy: result.stoppedBy }) }
}

/** Model names of local servers may hold anything; a header may not. */
export function headerValue(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256)
}
