import { lazy } from '../lazy.ts'
import type { Route } from '../route.ts'

const load = lazy(() => import('../openai/chat.ts'))

export const chatCompletions: Route = {
  method: 'POST',
  path: '/v1/chat/completions',
  scope: 'operator.write',
  handle: async (call) => (await load()).answerChat(call),
}
