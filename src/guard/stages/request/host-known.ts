import { PASS, type Stage } from '../../stage.ts'
import type { RequestContext, RequestFacts } from './facts.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** The `Host` is a loopback name with our port or configured: a rebound DNS name is neither. */
export const hostKnown: Stage<RequestFacts, RequestContext> = {
  name: 'hostKnown',
  check({ host }, { port, allowedHosts }) {
    if (host !== null && (isOurLoopback(host, port) || isAllowed(host, allowedHosts))) return PASS
    return { verdict: 'block', code: 'request/host-unknown', why: 'use a loopback address, or add the name to gateway.allowedHosts' }
  },
}

function isOurLoopback(host: string, port: number): boolean {
  return LOOPBACK.some((name) => host === `${name}:${port}` || (port === 80 && host === name))
}

/** An entry without a port stands for every port of that name. */
function isAllowed(host: string, allowed: readonly string[]): boolean {
  const name = host.replace(/:\d{1,5}$/, '')
  return allowed.some((entry) => entry.toLowerCase() === host || entry.toLowerCase() === name)
}
