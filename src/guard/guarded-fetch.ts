/** The way out that leaves hold: the egress checkpoint, then the transport, which takes nothing else. */
import type { EgressFetch, Transport } from '../contracts/egress.ts'
import { egress } from './pipeline.ts'
import { clearNow, refusalError } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'

export function createGuardedFetch(transport: Transport, report: Reporter): EgressFetch {
  return async (request, signal) => {
    const decision = clearNow(egress, request, null, report)
    if (!decision.ok) throw refusalError(decision.refusal)
    return transport(decision.value, signal)
  }
}
