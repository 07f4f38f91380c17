/** CORS for configured origins, and for nobody else. The request checkpoint has already refused every other origin. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestFacts } from '../guard/request.ts'

export function isPreflight(request: IncomingMessage): boolean {
  return request.method === 'OPTIONS' && request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined
}

export function allowCrossOrigin({ origin, method }: RequestFacts, allowed: readonly string[], response: ServerResponse): void {
  if (origin === null || !allowed.includes(origin)) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('vary', 'origin')
  response.setHeader('access-control-expose-headers', 'retry-after, x-carapace-turn, x-carapace-model')
  if (method !== 'OPTIONS') return
  response.setHeader('access-control-allow-methods', 'GET, POST')
  response.setHeader('access-control-allow-headers', 'authorization, content-type, idempotency-key, x-carapace-session')
  response.setHeader('access-control-max-age', '600')
}
