import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { clusterDrainResult, clusterStatusResult } from '../../contracts/ws/cluster.ts'
import { defineMethod } from '../method.ts'

export const clusterStatus = defineMethod({
  name: 'cluster.status',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: clusterStatusResult,
  async handle(_, { deps }) {
    const { cluster } = deps.gateway
    if (cluster === null) return { self: null, nodes: [] }
    const { self, nodes } = await cluster.list()
    return {
      self,
      nodes: nodes.map(({ id, host, pid, url, version, schema, isAlike, isAlive, draining, turns, lagMs, startedAt }) => {
        return { id, host, pid, url, version, schema, sameConfig: isAlike, alive: isAlive, draining, turns, lagMs, startedAt }
      }),
    }
  },
})

export const clusterDrain = defineMethod({
  name: 'cluster.drain',
  scope: 'operator.admin',
  params: z.strictObject({ id: z.string().min(1).max(128), draining: z.boolean() }),
  result: clusterDrainResult,
  async handle({ id, draining }, { deps }) {
    const { cluster } = deps.gateway
    if (cluster === null) throw new AppError('cluster/none')
    await cluster.drain(id, draining)
    return { id, draining }
  },
})
