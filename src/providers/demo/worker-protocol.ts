/** What the demo's worker is asked and what it answers. Checked by hand, so that the worker loads nothing but itself. */
import type { Answer } from './demo-model.ts'

export interface Job {
  readonly id: number
  readonly text: string
  readonly maxTokens: number
  /** One cell; anything but 0 cancels the job. Shared memory, because a worker that computes reads no messages. */
  readonly cancel: Int32Array
}

export type Reply =
  | (Answer & { readonly id: number })
  | { readonly id: number; readonly kind: 'cancelled' }
  | { readonly id: number; readonly kind: 'too-long' }
  /** The model file cannot be used. */
  | { readonly id: number; readonly kind: 'unusable'; readonly why: string }

export function isJob(value: unknown): value is Job {
  return isRecord(value) && isNumber(value['id']) && typeof value['text'] === 'string' && isNumber(value['maxTokens']) && value['cancel'] instanceof Int32Array
}

export function isReply(value: unknown): value is Reply {
  if (!isRecord(value) || !isNumber(value['id'])) return false
  if (value['kind'] === 'cancelled' || value['kind'] === 'too-long') return true
  if (value['kind'] === 'unusable') return typeof value['why'] === 'string'
  const counts = [value['inputTokens'], value['cachedTokens'], value['outputTokens']]
  return value['kind'] === 'answer' && typeof value['text'] === 'string' && typeof value['isCut'] === 'boolean' && counts.every(isNumber)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
