/** Turns as they run. */
import * as z from 'zod'
import { json, toolOutcome, turnResult, run, truncated } from './shared.ts'
import { approvalView } from './approvals.ts'

/** `agent {message, idempotencyKey, sessionKey?, model?}`: without `sessionKey` the turn is stateless. */
export const agentResult = z.object({ runId: z.string(), sessionKey: z.string().nullable(), status: z.literal('accepted') })

/**
 * `agent.wait {runId, timeoutMs?, untilEnd?}` (at most 600,000; 30,000 by default). `error` also stands for a cancelled turn: see `result.status`. `waiting`: the turn waits for the
 * owner to answer `approvals`. It is told at once, also where the turn waits already; with `untilEnd: true` it is not told, and the call goes on waiting for the end.
 */
export const agentWaitResult = z.object({
  runId: z.string(),
  status: z.enum(['ok', 'error', 'timeout', 'waiting']),
  result: turnResult.optional(),
  approvals: z.array(approvalView).optional(),
})

/** Event `agent`: what a turn does, in order; ends with `complete`, `error` or `cancelled`. A payload over the limit has `data: {truncated: true, bytes}`. */
export const agentEvent = z.discriminatedUnion('stream', [
  z.object({ ...run, stream: z.literal('started'), data: z.object({ model: z.string(), demo: z.boolean() }) }),
  z.object({ ...run, stream: z.literal('text'), data: z.object({ delta: z.string() }).or(truncated) }),
  z.object({ ...run, stream: z.literal('reasoning'), data: z.object({ delta: z.string() }).or(truncated) }),
  z.object({ ...run, stream: z.literal('tool_use'), data: z.object({ callId: z.string(), tool: z.string(), input: json }).or(truncated) }),
  z.object({ ...run, stream: z.literal('tool_result'), data: toolOutcome.or(truncated) }),
  z.object({ ...run, stream: z.literal('model_switched'), data: z.object({ from: z.string(), to: z.string(), reason: z.string() }) }),
  z.object({ ...run, stream: z.literal('model_retried'), data: z.object({ model: z.string(), reason: z.string(), waitMs: z.number() }) }),
  /** The turn waits for the owner; `started` comes again when it goes on. */
  z.object({ ...run, stream: z.literal('approval'), data: z.object({ approvals: z.array(approvalView) }).or(truncated) }),
  z.object({ ...run, stream: z.enum(['complete', 'error', 'cancelled']), data: z.object({ result: turnResult }).or(truncated) }),
])

/** The answer to `agent.resume`: what came after `afterSeq`, as far as it is kept; then ask again where there is `more`, and hear what comes (events with a larger `turnSeq`). */
export const agentResumeResult = z.object({
  runId: z.string(),
  events: z.array(agentEvent),
  seq: z.number(),
  more: z.boolean(),
  status: z.enum(['open', 'ended']),
})

export type AgentEvent = z.infer<typeof agentEvent>
