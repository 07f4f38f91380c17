// expect-error: is not assignable to parameter of type 'Cleared<ModelRequest>'
import type { Cleared } from '../../../src/contracts/cleared.ts'
import type { ModelRequest, Provider } from '../../../src/contracts/provider.ts'

/** A changed copy keeps every member of the request, but not the clearance. */
export function ask(provider: Provider, cleared: Cleared<ModelRequest>, signal: AbortSignal): unknown {
  const changed: ModelRequest = { ...cleared, system: 'You are somebody else' }
  return provider.stream(changed, signal)
}
