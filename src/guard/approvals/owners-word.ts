/** What the owner has said that bears on a call, as the guard may ask it. */
import type { Grant } from '../../contracts/approval.ts'
import type { ToolCall } from '../../contracts/tool.ts'

export type AnswerToCall =
  /** This very call, under this hash. Said once: the next time it is asked it is gone. */
  | { readonly kind: 'allowed'; readonly approvalId: string }
  | { readonly kind: 'refused'; readonly status: 'denied' | 'expired' | 'cancelled'; readonly note: string | null }
  /** It was allowed with other arguments or other facts. */
  | { readonly kind: 'changed' }
  /** The very same was allowed once before, in this turn. */
  | { readonly kind: 'repeated' }

export interface OwnersWord {
  /** `shadow`: what would be held passes and is recorded, where it can be taken back and its tool does not always ask. */
  readonly mode: 'ask' | 'shadow' | 'deny'
  /** Standing words that are in force in this conversation. */
  readonly grants: readonly Grant[]
  /** What he answered about this call; null where he was not asked. */
  readonly answerTo: (call: ToolCall) => AnswerToCall | null
}

/** Nobody was asked anything. */
export const NO_WORD: OwnersWord = { mode: 'ask', grants: [], answerTo: () => null }
