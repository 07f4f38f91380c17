/** What several families of WebSocket methods and events say. Above each result: the method’s parameters. Unknown members are allowed everywhere, so that an older client
 * understands a newer gateway. */
import * as z from 'zod'
import { isErrorCode } from '../errors.ts'
import type { JsonValue } from '../json.ts'

/** Comes out of `JSON.parse`, so it is JSON by construction. */
export const json = z.custom<JsonValue>((value) => value !== undefined, 'expected a JSON value')

export const usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  reasoningTokens: z.number(),
})

const errorCode = z.string().refine(isErrorCode)

export const toolOutcome = z.object({ callId: z.string(), tool: z.string(), input: json, output: z.string(), isError: z.boolean(), ms: z.number() })

/** `TurnResult` as it travels. */
export const turnResult = z.object({
  turnId: z.string(),
  sessionKey: z.string().nullable(),
  status: z.enum(['completed', 'failed', 'cancelled']),
  text: z.string(),
  finishReason: z.enum(['stop', 'length', 'tool-calls', 'refused']),
  clientToolCalls: z.array(z.object({ type: z.literal('tool-call'), callId: z.string(), tool: z.string(), input: json })),
  toolCalls: z.array(toolOutcome),
  model: z.string(),
  usage,
  /** US dollars, or null where no price is known. */
  costUsd: z.number().nullable(),
  stoppedBy: z.enum(['steps', 'output-tokens', 'wall-clock', 'tool-time', 'money', 'calls', 'repeated-call']).optional(),
  error: z.object({ code: errorCode, message: z.string(), hint: z.string().optional(), retryAfterMs: z.number().optional() }).optional(),
  durationMs: z.number(),
})

export const defaultModel = z.object({
  /** `provider:model`, a route's name, or null when there is none. */
  name: z.string().nullable(),
  source: z.enum(['config', 'environment', 'probe', 'demo', 'none']),
  demo: z.boolean(),
})

/** `turnSeq`: the number of the event within its turn, where events are kept. */
export const run = { runId: z.string(), sessionKey: z.string().nullable(), turnSeq: z.number().optional() }

export const truncated = z.object({ truncated: z.literal(true), bytes: z.number() })
