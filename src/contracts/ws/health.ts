/** Whether the gateway is well. */
import * as z from 'zod'
import { defaultModel } from './shared.ts'

/** `health {}`, and event `health` when readiness changes. */
export const healthResult = z.object({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  uptimeSeconds: z.number(),
  /** Why the gateway is not ready; empty when it is. */
  notReady: z.array(z.string()),
})

/** `status {}` */
export const statusResult = healthResult.extend({
  startedAt: z.number(),
  activeTurns: z.number(),
  queuedTurns: z.number(),
  finishedTurns: z.number(),
  model: defaultModel,
  sessions: z.number(),
  /** WebSocket connections that finished the handshake. */
  connections: z.number(),
  databaseBytes: z.number(),
})
