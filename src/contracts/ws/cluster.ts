/** Gateways that share a store. */
import * as z from 'zod'
import { json } from './shared.ts'

export const clusterNode = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  url: z.string(),
  version: z.string(),
  schema: z.number(),
  /** Of the answering one: the same, or another; what differs by nature (address, port, folders) left aside. */
  sameConfig: z.boolean(),
  /** The version of the shared settings that it goes by, and why that is not the newest, or not wholly. */
  settings: z.number(),
  settingsFault: z.string().nullable(),
  alive: z.boolean(),
  draining: z.boolean(),
  /** Turns that it holds. */
  turns: z.number(),
  /** Milliseconds since its last sign of life. */
  lagMs: z.number(),
  startedAt: z.number(),
})

/** `self` is null where the store is shared with nobody. */
export const clusterStatusResult = z.object({
  self: z.string().nullable(),
  nodes: z.array(clusterNode),
  /** What all nodes go by, and how often it was changed. */
  settings: z.object({
    version: z.number(),
    values: z.array(z.object({ path: z.string(), value: json, version: z.number(), by: z.string(), at: z.number() })),
  }),
})

export const clusterDrainResult = z.object({ id: z.string(), draining: z.boolean() })

/** `cluster.set {key, value}` (a text is read as the key expects it) and `cluster.unset {key}`: for all nodes of a shared store, of the keys that they share. The version that the change made. */
export const clusterChangeResult = z.object({ key: z.string(), version: z.number() })
