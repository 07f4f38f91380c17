// expect-error: is not assignable to type 'Cleared<InboundMessage>'
import type { TurnStore } from '../../../src/contracts/store.ts'
import type { InboundMessage } from '../../../src/contracts/turn.ts'

/** A message that no inbound checkpoint saw. */
export function keep(turns: TurnStore, request: InboundMessage): unknown {
  return turns.accept({ turnId: 'turn', request, now: 0, queued: false, lease: { owner: 'run', until: 0 } })
}
