import type { FaultKind } from '../../contracts/provider.ts'

/** What an HTTP status says where the vendor says no more. A server's own failure counts as overload: the same request may work in a moment. */
export function statusKind(status: number): FaultKind {
  if (status === 401 || status === 402 || status === 403) return 'auth'
  if (status === 413) return 'context-too-long'
  if (status === 429) return 'rate-limit'
  if (status === 408 || status === 409 || status === 424 || status >= 500) return 'overloaded'
  return 'bad-request'
}
