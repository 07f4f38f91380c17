import { lazy } from '../lazy.ts'
import type { Route } from '../route.ts'

const load = lazy(() => import('../openai/responses.ts'))

export const responses: Route = {
  method: 'POST',
  path: '/v1/responses',
  scope: 'operator.write',
  handle: async (call) => (await load()).answerResponses(call),
}
