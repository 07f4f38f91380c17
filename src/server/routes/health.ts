import { readHealth } from '../health.ts'
import { sendJson } from '../respond.ts'
import type { Route, RouteCall } from '../route.ts'

/** The process answers; says nothing about models. */
function handle({ response, deps }: RouteCall): void {
  const { version, uptimeSeconds } = readHealth(deps)
  sendJson(response, 200, { status: 'ok', version, uptimeSeconds })
}

export const health: Route = { method: 'GET', path: '/health', scope: 'public', handle }
export const healthLive: Route = { method: 'GET', path: '/health/live', scope: 'public', handle }
