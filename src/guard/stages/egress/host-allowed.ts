import type { EgressRequest } from '../../../contracts/egress.ts'
import { PASS, type Stage } from '../../stage.ts'
import { literalAddress, reachesPublicHosts } from './facts.ts'

/** A caller reaches the origins that it was set up for, or public names and addresses, and never with a credential in the URL. */
export const hostAllowed: Stage<EgressRequest, unknown> = {
  name: 'hostAllowed',
  check({ url, policy }) {
    if (url.username !== '' || url.password !== '') return { verdict: 'block', code: 'net/refused', why: `credentials stand in the URL of ${url.host}` }
    if (!reachesPublicHosts(policy)) {
      if (policy.origins.includes(url.origin)) return PASS
      return { verdict: 'block', code: 'net/refused', why: `${url.origin} is not what this connection is for` }
    }
    if (!isWebPort(url.port)) return { verdict: 'block', code: 'net/refused', why: `${url.origin}: no web server has this port` }
    if (literalAddress(url.hostname) !== null || isPublicName(url.hostname)) return PASS
    return { verdict: 'block', code: 'net/refused', why: `${url.hostname} is not a public host name` }
  },
}

/** Below 1024 are the ports of other protocols. */
function isWebPort(port: string): boolean {
  return port === '' || Number(port) >= 1024
}

/** Names of this machine, of local networks, and of the services that tell a cloud machine who it is. */
const NOT_PUBLIC = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'svc',
  'arpa',
  'onion',
  'metadata.goog',
  'metadata.packet.net',
  'metadata.platformequinix.com',
]
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** `URL` has made every name lower-case ASCII. One with a dot at its end, or without one inside, is looked up by other rules than those of the web. */
function isPublicName(hostname: string): boolean {
  const labels = hostname.split('.')
  const isName = hostname.length <= 253 && labels.length > 1 && labels.every((label) => LABEL.test(label))
  return isName && !NOT_PUBLIC.some((name) => hostname === name || hostname.endsWith(`.${name}`))
}
