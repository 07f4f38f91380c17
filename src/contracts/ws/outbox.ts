/** Messages on their way out. */
import * as z from 'zod'
import { messagePurposes } from '../audit.ts'
import { outboxStatuses } from '../outbox.ts'

/** A message on its way out, all parts together. `key`: as receipts name it; `dueAt`: of the next attempt; `why`: what did not work last. */
export const outboxMessage = z.object({
  id: z.string(),
  key: z.string(),
  to: z.string(),
  purpose: z.enum(messagePurposes),
  status: z.enum(outboxStatuses),
  runId: z.string().nullable(),
  sessionKey: z.string().nullable(),
  parts: z.number(),
  sentParts: z.number(),
  attempts: z.number(),
  mayRepeat: z.boolean(),
  why: z.string().nullable(),
  bytes: z.number(),
  createdAt: z.number(),
  expiresAt: z.number(),
  dueAt: z.number().nullable(),
  settledAt: z.number().nullable(),
})

/** `outbox.list {status?, to?, limit?}`: newest first (50 by default, at most 1,000). `paused`: destinations that are left alone until then. */
export const outboxListResult = z.object({ messages: z.array(outboxMessage), paused: z.array(z.object({ to: z.string(), until: z.number() })) })

/** `outbox.get {id}`: with the texts of the parts that are still kept. */
export const outboxGetResult = z.object({ message: outboxMessage, texts: z.array(z.string()) })

/** `outbox.retry {ids} | {to}`, `outbox.drop {ids}`: the messages as they are then. */
export const outboxMessagesResult = z.object({ messages: z.array(outboxMessage) })
