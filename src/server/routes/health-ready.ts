import { readHealth } from '../health.ts'
import { sendJson } from '../respond.ts'
import type { Route } from '../route.ts'

/** 200 when turns can be served, else 503 with the reasons. */
export const healthReady: Route = {
  method: 'GET',
  path: '/health/ready',
  scope: 'public',
  handle({ response, deps }) {
    const { version, uptimeSeconds, notReady } = readHealth(deps)
    if (notReady.length === 0) sendJson(response, 200, { status: 'ok', version, uptimeSeconds })
    else sendJson(response, 503, { status: 'not-ready', version, uptimeSeconds, reasons: notReady }, { 'retry-after': '5' })
  },
}
