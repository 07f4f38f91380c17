/** The connection itself. */
import * as z from 'zod'
import { healthResult } from './health.ts'

/** The answer to `connect`. */
export const helloOk = z.object({
  type: z.literal('hello-ok'),
  protocol: z.number(),
  server: z.object({ version: z.string(), connId: z.string() }),
  features: z.object({ methods: z.array(z.string()), events: z.array(z.string()) }),
  snapshot: z.object({ health: healthResult, uptimeMs: z.number() }),
  auth: z.object({ role: z.literal('operator'), scopes: z.array(z.string()) }),
  policy: z.object({ maxPayload: z.number(), maxBroadcastPayload: z.number(), maxBufferedBytes: z.number(), tickIntervalMs: z.number() }),
})

/** Event `tick`. */
export const tickEvent = z.object({ ts: z.number() })

/** Event `shutdown`, just before the connection closes with 1012. */
export const shutdownEvent = z.object({ reason: z.string() })

/** Event `state.drop`: events were left out because the client reads too slowly. */
export const stateDropEvent = z.object({ dropped: z.number(), event: z.string(), reason: z.string() })
