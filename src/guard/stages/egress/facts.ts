/** What the egress stages know besides the request. */
import type { EgressPolicy, PublicHosts, Resolve } from '../../../contracts/egress.ts'
import type { NamedSecrets } from '../../../contracts/named-secret.ts'

export interface EgressContext {
  readonly resolve: Resolve
  readonly isPublic: (address: string) => Promise<boolean>
  /** Origin of the first request of a chain of redirects: the one that its headers were meant for. */
  readonly firstOrigin: string
  readonly secrets?: NamedSecrets | undefined
}

export function reachesPublicHosts(policy: EgressPolicy): policy is PublicHosts {
  return 'hosts' in policy
}

/** The address in a URL's `hostname`, or null for a name. `URL` has brought every spelling of an address into one form before this. */
export function literalAddress(hostname: string): string | null {
  if (hostname.startsWith('[')) return hostname.slice(1, -1)
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname) ? hostname : null
}
