// expect-error: is not assignable to parameter of type 'Cleared<ModelRequest>'
import type { Cleared } from '../../../src/contracts/cleared.ts'
import type { Provider } from '../../../src/contracts/provider.ts'
import type { InboundMessage } from '../../../src/contracts/turn.ts'

/** Clearance is for one kind of value: a cleared message is no cleared request. */
export function ask(provider: Provider, message: Cleared<InboundMessage>, signal: AbortSignal): unknown {
  return provider.stream(message, signal)
}
