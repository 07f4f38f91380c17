import * as z from 'zod'
import { healthResult, statusResult } from '../../contracts/ws/health.ts'
import { readHealth } from '../health.ts'
import { defineMethod } from '../method.ts'

export const health = defineMethod({
  name: 'health',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: healthResult,
  handle: (_, { deps }) => readHealth(deps),
})

export const status = defineMethod({
  name: 'status',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: statusResult,
  async handle(_, { deps, connection }) {
    const { store } = deps.gateway
    const [{ total }, databaseBytes] = await Promise.all([store.sessions.list({ limit: 1, offset: 0 }), store.size()])
    const { startedAt, activeTurns, queuedTurns, finishedTurns, model } = deps.gateway.status()
    return { ...readHealth(deps), startedAt, activeTurns, queuedTurns, finishedTurns, model, sessions: total, connections: connection.count, databaseBytes }
  },
})
