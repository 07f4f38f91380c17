/** How a turn ends, as a result for whoever asked and as the last line of the conversation. */
import { AppError } from '../contracts/errors.ts'
import type { Message } from '../contracts/message.ts'
import { faultCodes, type ModelFault } from '../contracts/provider.ts'
import type { Taint } from '../contracts/store.ts'
import type { TurnResult } from '../contracts/turn.ts'

/** The turn waits for the owner. */
export const PARKED = 'parked'

export interface AgentOutcome {
  readonly result: Omit<TurnResult, 'durationMs'>
  readonly reply: Message | null
  readonly taint: Taint
}

/** What makes one end different from another; the rest is the turn's. */
export type Ending = Pick<TurnResult, 'status' | 'finishReason'> &
  Partial<Pick<TurnResult, 'stoppedBy' | 'error' | 'clientToolCalls'>> & {
    readonly reply: Message | null
    /** The last step's text, as it left. */
    readonly text: string
  }

/** A model call failed: its text, if any, has been seen and stays. */
export function faultEnding(fault: ModelFault, said: Message | null, text: string): Ending {
  if (fault.kind === 'refused') {
    return { status: 'completed', finishReason: 'refused', reply: said ?? ownWords(fault.message), text: text === '' ? fault.message : text }
  }
  const error = { code: faultCodes[fault.kind], message: fault.message, ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }) }
  return { status: 'failed', finishReason: 'stop', error, reply: said, text }
}

export function cancelledEnding(said: Message | null, text: string): Ending {
  const error = { code: 'turn/cancelled', message: new AppError('turn/cancelled').message } as const
  return { status: 'cancelled', finishReason: 'stop', error, reply: said, text }
}

export function ownWords(text: string): Message {
  const origin = { author: { kind: 'model', name: 'carapace' }, trust: 'trusted', private: false } as const
  return { role: 'assistant', parts: [{ type: 'text', text, origin }] }
}
