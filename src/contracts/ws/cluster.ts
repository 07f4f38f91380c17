/** Gateways that share a store. */
import * as z from 'zod'

export const clusterNode = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  url: z.string(),
  version: z.string(),
  schema: z.number(),
  /** Of the answering one: the same, or another; what differs by nature (address, port, folders) left aside. */
  sameConfig: z.boolean(),
  alive: z.boolean(),
  draining: z.boolean(),
  /** Turns that it holds. */
  turns: z.number(),
  /** Milliseconds since its last sign of life. */
  lagMs: z.number(),
  startedAt: z.number(),
})

/** `self` is null where the store is shared with nobody. */
export const clusterStatusResult = z.object({ self: z.string().nullable(), nodes: z.array(clusterNode) })

export const clusterDrainResult = z.object({ id: z.string(), draining: z.boolean() })
