import type { FaultKind } from '../../contracts/provider.ts'

const KINDS: Readonly<Record<number, FaultKind>> = {
  401: 'auth',
  // Like a refused key, money that ran out only changes at the vendor's console.
  402: 'auth',
  403: 'auth',
  408: 'network',
  409: 'network',
  413: 'context-too-long',
  424: 'network',
  429: 'rate-limit',
  503: 'overloaded',
  529: 'overloaded',
}

/** What an HTTP status says where the vendor says no more. */
export function statusKind(status: number): FaultKind {
  return KINDS[status] ?? (status >= 500 ? 'network' : 'bad-request')
}
