import * as z from 'zod'
import { modelsListResult } from '../../contracts/ws/models.ts'
import { defineMethod } from '../method.ts'

const LISTING_TIMEOUT_MS = 10_000

export const modelsList = defineMethod({
  name: 'models.list',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: modelsListResult,
  async handle(_, { deps, signal }) {
    const models = await deps.gateway.models(AbortSignal.any([signal, AbortSignal.timeout(LISTING_TIMEOUT_MS)]))
    return { models: [...models], default: deps.gateway.status().model }
  },
})
