/** Conversations by messages. */
import * as z from 'zod'
import { json, usage, turnResult, run } from './shared.ts'
import { approvalView } from './approvals.ts'

/**
 * `chat.send {message, idempotencyKey, sessionKey|key, model?, wait?}`. With `wait: true` it answers when the turn has ended, and `result` is there; or when it waits for the owner,
 * with `approvals` in the place of `result`: `agent.wait` waits on.
 */
export const chatSendResult = z.object({
  runId: z.string(),
  sessionKey: z.string().nullable(),
  status: z.enum(['started', 'queued', 'repeated']),
  result: turnResult.optional(),
  approvals: z.array(approvalView).optional(),
})

/** One message as clients show it. Text and reasoning are joined; images are counted, their data stays in the store. */
export const historyMessage = z.object({
  id: z.number(),
  runId: z.string().nullable(),
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  text: z.string(),
  reasoning: z.string().optional(),
  images: z.number().optional(),
  toolCalls: z.array(z.object({ callId: z.string(), tool: z.string(), input: json })).optional(),
  toolResults: z.array(z.object({ callId: z.string(), tool: z.string(), output: z.string(), isError: z.boolean() })).optional(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Parts of the text were left out because the message is longer than an answer may be. */
  truncated: z.boolean().optional(),
})

/** `chat.history {sessionKey|key, limit?, beforeId?}`: the newest messages, oldest first (50 by default, at most 1,000). `more`: older ones exist. */
export const chatHistoryResult = z.object({ sessionKey: z.string(), messages: z.array(historyMessage), more: z.boolean() })

/** `chat.abort {runId} | {sessionKey|key}`, `reason?` */
export const chatAbortResult = z.object({ aborted: z.number() })

/** Event `chat`: the same turn for clients that only show text. */
export const chatEvent = z.union([
  z.object({ ...run, state: z.enum(['delta', 'final', 'aborted', 'error']), truncated: z.literal(true), bytes: z.number() }),
  z.discriminatedUnion('state', [
    z.object({ ...run, state: z.literal('delta'), delta: z.string() }),
    z.object({ ...run, state: z.literal('final'), text: z.string(), model: z.string(), usage, costUsd: z.number().nullable() }),
    z.object({ ...run, state: z.literal('aborted'), text: z.string() }),
    z.object({ ...run, state: z.literal('error'), error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }) }),
  ]),
])

export type ChatEvent = z.infer<typeof chatEvent>
