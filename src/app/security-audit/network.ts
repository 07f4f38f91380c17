/** Who can reach the gateway, and whom it believes. */
import { isLoopbackHost } from '../../std/base-url.ts'
import { setCommand, type Found, type SecurityCheck } from './check.ts'

export const exposed: SecurityCheck = {
  id: 'exposed',
  about: 'whoever listens on the way sees nothing',
  run({ config: { gateway }, running }) {
    const listens = [gateway.host, running?.host ?? gateway.host].find((host) => !isLoopbackHost(host))
    if (listens === undefined || gateway.trustedProxies.length > 0) return []
    return [
      {
        severity: 'critical',
        detail: `it listens on ${listens} without TLS: credentials travel in the clear. Put a proxy with TLS in front (gateway.trustedProxies), or use a tunnel`,
        fix: setCommand('gateway.host', '127.0.0.1'),
      },
    ]
  },
}

export const hostsWide: SecurityCheck = {
  id: 'hosts-wide',
  about: 'host names are named one by one',
  run({ config: { gateway } }) {
    const isBad = (host: string) => host.includes('*') || host === '' || host.startsWith('.')
    if (!gateway.allowedHosts.some(isBad)) return []
    const detail = `gateway.allowedHosts has what is no name: ${gateway.allowedHosts.filter(isBad).join(', ')}`
    return [
      {
        severity: 'medium',
        detail,
        fix: setCommand(
          'gateway.allowedHosts',
          gateway.allowedHosts.filter((host) => !isBad(host)),
        ),
      },
    ]
  },
}

export const originsWide: SecurityCheck = {
  id: 'origins-wide',
  about: 'only pages under TLS may call it',
  run({ config: { gateway } }) {
    const isBad = (origin: string) => origin.includes('*') || origin === 'null' || !isSafeOrigin(origin)
    const bad = gateway.allowedOrigins.filter(isBad)
    if (bad.length === 0) return []
    const fix = setCommand(
      'gateway.allowedOrigins',
      gateway.allowedOrigins.filter((origin) => !isBad(origin)),
    )
    return [{ severity: 'high', detail: `gateway.allowedOrigins trusts pages that anybody on the way can write: ${bad.join(', ')}`, fix }]
  },
}

function isSafeOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}

const LEAST_BITS = { v4: 8, v6: 32 } as const

export const proxiesWide: SecurityCheck = {
  id: 'proxies-wide',
  about: 'few machines are believed as proxies',
  run({ config: { gateway } }) {
    const isWide = (range: string) => {
      const bits = range.split('/')[1]
      return bits !== undefined && Number(bits) < (range.includes(':') ? LEAST_BITS.v6 : LEAST_BITS.v4)
    }
    const wide = gateway.trustedProxies.filter(isWide)
    if (wide.length === 0) return []
    const fix = setCommand(
      'gateway.trustedProxies',
      gateway.trustedProxies.filter((range) => !isWide(range)),
    )
    return [{ severity: 'high', detail: `gateway.trustedProxies believes half the internet: ${wide.join(', ')}`, fix }]
  },
}

const MOST_ATTEMPTS = 100

export const lockOutLoose: SecurityCheck = {
  id: 'lock-out-loose',
  about: 'guesses are few',
  run({ config: { gateway } }): readonly Found[] {
    if (gateway.failedAuthLimit <= MOST_ATTEMPTS) return []
    return [
      { severity: 'medium', detail: `${gateway.failedAuthLimit} wrong credentials a minute are looked at`, fix: 'cara config unset gateway.failedAuthLimit' },
    ]
  },
}
