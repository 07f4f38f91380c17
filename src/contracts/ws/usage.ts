/** What turns used. */
import * as z from 'zod'
import { usage } from './shared.ts'

/** `usage.status {by?, days?}`: `day` (default), `model` or `session`; the last 30 days by default. */
export const usageStatusResult = z.object({
  by: z.enum(['day', 'model', 'session']),
  since: z.number(),
  rows: z.array(z.object({ group: z.string(), turns: z.number(), usage, costUsd: z.number(), unpricedTurns: z.number() })),
  totals: z.object({ turns: z.number(), usage, costUsd: z.number(), unpricedTurns: z.number() }),
})
