/** What may be asked and answered about approvals, over every door. */
import * as z from 'zod'
import type { JsonValue } from '../contracts/json.ts'
import { sessionKey } from './methods/params.ts'

const id = z.string().min(1).max(128)

export const listParams = z.strictObject({
  status: z.enum(['pending', 'allowed', 'denied', 'expired', 'cancelled']).default('pending'),
  sessionKey: sessionKey.optional(),
  limit: z.int().min(1).max(1000).default(100),
})

/** Came out of `JSON.parse`. */
const json = z.custom<JsonValue>((value) => value !== undefined, 'expected a JSON value')

export const answersParams = z.strictObject({
  answers: z
    .array(
      z.strictObject({
        id,
        hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be the hash that was shown'),
        decision: z.enum(['allow', 'deny']),
        unlock: z.enum(['once', 'session', 'destination', 'always']).exactOptional(),
        input: json.exactOptional(),
        note: z.string().min(1).max(2000).exactOptional(),
      }),
    )
    .min(1)
    .max(64),
})
