/** Conversations. */
import * as z from 'zod'
import { json } from './shared.ts'

export const sessionInfo = z.object({
  id: z.string(),
  key: z.string(),
  title: z.string().nullable(),
  model: z.string().nullable(),
  messageCount: z.number(),
  createdAt: z.number(),
  lastActivityAt: z.number(),
})

/** `sessions.list {limit?, offset?, search?}` (100 by default, at most 1,000; newest activity first) */
export const sessionsListResult = z.object({ sessions: z.array(sessionInfo), total: z.number() })

/** `sessions.preview {keys (at most 100), limit?, maxChars?}` (5 messages of 200 characters by default) */
export const sessionsPreviewResult = z.object({
  items: z.array(
    z.object({
      key: z.string(),
      status: z.enum(['ok', 'empty', 'missing']),
      messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), text: z.string(), at: z.number() })),
    }),
  ),
})

/** `sessions.create {key?, title?, model?}` (without `key` one is made; `session/exists` when it is taken), `sessions.rename {key, newKey?, title?, model?}` (`model: null` goes back to the default) */
export const sessionResult = z.object({ session: sessionInfo })

/** `sessions.reset {key}` forgets the messages; running turns are cancelled first. */
export const sessionsResetResult = z.object({ key: z.string(), reset: z.literal(true) })

/** `sessions.delete {key}`; running turns are cancelled first. */
export const sessionsDeleteResult = z.object({ key: z.string(), deleted: z.boolean() })

/**
 * `sessions.export {key, beforeId?}`: one page of whole messages, newest page first, oldest message first inside it. Ask again with `beforeId: nextBeforeId` until that is
 * null, and put earlier pages in front.
 */
export const sessionsExportResult = z.object({
  session: sessionInfo,
  entries: z.array(z.object({ id: z.number(), turnId: z.string().nullable(), at: z.number(), message: json })),
  nextBeforeId: z.number().nullable(),
})
