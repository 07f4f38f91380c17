import type { ServerDeps } from './server-deps.ts'

/** What health routes and methods tell. */
export function readHealth({ gateway, version, now }: ServerDeps) {
  const { startedAt, notReady } = gateway.status()
  return {
    status: notReady.length === 0 ? ('ok' as const) : ('degraded' as const),
    version,
    uptimeSeconds: Math.floor((now() - startedAt) / 1000),
    notReady: [...notReady],
  }
}
