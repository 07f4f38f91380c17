import { sendJson } from '../respond.ts'
import type { Route } from '../route.ts'

const LISTING_TIMEOUT_MS = 10_000

export const models: Route = {
  method: 'GET',
  path: '/v1/models',
  scope: 'operator.read',
  async handle({ response, deps }) {
    const listings = await deps.gateway.models(AbortSignal.timeout(LISTING_TIMEOUT_MS))
    const created = Math.floor(deps.gateway.status().startedAt / 1000)
    const entry = (id: string, owner: string) => ({ id, object: 'model', created, owned_by: owner })
    sendJson(response, 200, { object: 'list', data: [entry('carapace', 'carapace'), ...listings.map(({ name, provider }) => entry(name, provider))] })
  },
}
