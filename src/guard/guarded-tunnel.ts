/** The way out for programs that speak TLS themselves: the egress checkpoint for the address, then a connection to what it pinned. */
import type { EgressRequest, EgressTunnel, TunnelTransport } from '../contracts/egress.ts'
import { isPublicAddress, type PublicReach } from './guarded-fetch.ts'
import { egress } from './pipeline.ts'
import { clear, refusalError } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'

export function createGuardedTunnel(connect: TunnelTransport, report: Reporter, { resolve, isPublic = isPublicAddress }: PublicReach): EgressTunnel {
  return async (url, signal) => {
    const request: EgressRequest = { method: 'GET', url, headers: {}, policy: { hosts: 'public' } }
    const decision = await clear(egress, request, { resolve, isPublic, firstOrigin: url.origin }, report, signal)
    signal.throwIfAborted()
    if (!decision.ok) throw refusalError(decision.refusal)
    return connect(decision.value, signal)
  }
}
