/** Destinations of messages. */
import * as z from 'zod'

/** `messages.list` */
export const messagesListResult = z.object({
  destinations: z.array(z.object({ name: z.string(), kind: z.string(), format: z.string(), host: z.string(), signed: z.boolean(), keyed: z.boolean() })),
})

/** `messages.test {to}`: delivers a fixed text, or fails with `message/…`. `queued`: an attempt failed (`why`), and is made again. */
export const messagesTestResult = z.object({
  to: z.string(),
  id: z.string(),
  host: z.string(),
  status: z.enum(['sent', 'queued']),
  why: z.string().nullable(),
  ms: z.number(),
})
