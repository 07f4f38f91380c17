/** Turns by their journal. */
import * as z from 'zod'
import { approvalView } from './approvals.ts'

/** `turns.list {limit?, sessionKey?, open?}`, newest first; `open`: only those that have not ended. `left`: nobody carries it on. `fence`: how often somebody took it. */
export const turnView = z.object({
  runId: z.string(),
  sessionKey: z.string().nullable(),
  door: z.string(),
  /** Milliseconds since the epoch. */
  acceptedAt: z.number(),
  state: z.enum(['queued', 'running', 'waiting', 'left', 'completed', 'failed', 'cancelled']),
  fence: z.number(),
  /** Questions to the owner that wait. */
  questions: z.number(),
  /** When it goes on by itself, where it waits for a moment. */
  wakesAt: z.number().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  model: z.string(),
  durationMs: z.number().nullable(),
})

export const turnsListResult = z.object({ turns: z.array(turnView) })

/**
 * `turns.get {runId}`: the journal, oldest first. `asked` and `answered` are messages, `began` is a call that is about to run, `returned` what it answered, `replied` the end. Texts of
 * more than 4,000 characters are cut.
 */
export const turnLine = z.object({
  kind: z.enum(['asked', 'answered', 'began', 'returned', 'replied']),
  at: z.number(),
  text: z.string(),
  calls: z.array(z.object({ callId: z.string(), tool: z.string(), input: z.string().optional(), effectId: z.string().optional() })),
  results: z.array(z.object({ callId: z.string(), tool: z.string(), output: z.string(), isError: z.boolean() })),
})

export const turnsGetResult = z.object({ turn: turnView, lines: z.array(turnLine), approvals: z.array(approvalView) })

/** `turns.resume {runId}`: goes on with what failed, was cancelled or was left. `turns.cancel {runId, reason?}`: false where it had ended. */
export const turnsResumeResult = z.object({ turn: turnView })

export const turnsCancelResult = z.object({ runId: z.string(), cancelled: z.boolean() })

const callVerdict = z.object({ kind: z.enum(['ran', 'asked', 'refused']), rules: z.array(z.string()) })

/**
 * `turns.replay {runId}`: the turn again from its journal, under the rules of now, without effect. `now: null`: the call was not made again. `requests` to a model, of which `compared` had
 * left a hash.
 */
export const turnsReplayResult = z.object({
  runId: z.string(),
  calls: z.array(z.object({ callId: z.string(), tool: z.string(), before: callVerdict, now: callVerdict.nullable() })),
  requests: z.number(),
  compared: z.number(),
  differences: z.array(z.object({ kind: z.enum(['call', 'request', 'reply', 'end']), what: z.string(), before: z.string(), now: z.string() })),
  notes: z.array(z.string()),
})
