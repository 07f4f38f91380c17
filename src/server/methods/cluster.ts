import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { SharedSettings } from '../../contracts/settings.ts'
import { clusterChangeResult, clusterDrainResult, clusterStatusResult } from '../../contracts/ws/cluster.ts'
import { defineMethod } from '../method.ts'

export const clusterStatus = defineMethod({
  name: 'cluster.status',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: clusterStatusResult,
  async handle(_, { deps }) {
    const { gateway, sharedSettings } = deps
    const { cluster } = gateway
    if (cluster === null || sharedSettings === null) return { self: null, nodes: [], settings: { version: 0, values: [] } }
    const [{ self, nodes }, { version, values }] = await Promise.all([cluster.list(), sharedSettings.read()])
    return {
      self,
      settings: { version, values: [...values] },
      nodes: nodes.map(({ id, host, pid, url, version, schema, isAlike, isAlive, draining, turns, lagMs, startedAt, ...node }) => {
        return {
          id,
          host,
          pid,
          url,
          version,
          schema,
          sameConfig: isAlike,
          alive: isAlive,
          draining,
          turns,
          lagMs,
          startedAt,
          settings: node.settings,
          settingsFault: node.settingsFault,
        }
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

const key = z.string().min(1).max(256)

export const clusterSet = defineMethod({
  name: 'cluster.set',
  scope: 'operator.admin',
  params: z.strictObject({ key, value: z.json().refine((value) => value !== null, 'to take it back: cluster.unset') }),
  result: clusterChangeResult,
  async handle({ key, value }, { deps, principal }) {
    return { key, version: await shared(deps).change(key, value, principal.id) }
  },
})

export const clusterUnset = defineMethod({
  name: 'cluster.unset',
  scope: 'operator.admin',
  params: z.strictObject({ key }),
  result: clusterChangeResult,
  async handle({ key }, { deps, principal }) {
    return { key, version: await shared(deps).change(key, null, principal.id) }
  },
})

function shared({ sharedSettings }: { readonly sharedSettings: SharedSettings | null }): SharedSettings {
  if (sharedSettings === null) throw new AppError('cluster/none', undefined, { hint: 'Change its file: cara config set, then start it again' })
  return sharedSettings
}
