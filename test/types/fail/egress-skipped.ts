// expect-error: is not assignable to parameter of type 'Cleared<EgressRequest>'
import type { EgressRequest, Transport } from '../../../src/contracts/egress.ts'

/** A request that no egress checkpoint saw. */
export function leave(transport: Transport, request: EgressRequest, signal: AbortSignal): unknown {
  return transport(request, signal)
}
