// expect-error: is not assignable to parameter of type 'Cleared<ModelRequest>'
import type { ModelRequest, Provider } from '../../../src/contracts/provider.ts'

/** A request that no prompt checkpoint saw. */
export function ask(provider: Provider, request: ModelRequest, signal: AbortSignal): unknown {
  return provider.stream(request, signal)
}
