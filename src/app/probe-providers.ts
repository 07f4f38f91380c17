/** Model servers that run on this machine without having been configured: found by asking the usual ports, and added to the providers for this run. */
import type { AdapterDeps } from '../contracts/adapter.ts'
import type { Provider } from '../contracts/provider.ts'
import { openAiCompatible } from '../providers/wire/openai-compatible.ts'
import { probeLocalServers } from '../providers/wire/probe.ts'

export async function probeProviders(
  providers: Map<string, () => Promise<Provider>>,
  deps: AdapterDeps,
  signal: AbortSignal,
): Promise<readonly { readonly id: string; readonly models: readonly string[] }[]> {
  const found = await probeLocalServers(deps.fetch, signal)
  const added = found.filter(({ id }) => !providers.has(id))
  for (const { id, baseUrl } of added) providers.set(id, async () => openAiCompatible({ id, baseUrl }, deps))
  return added.map(({ id, models }) => ({ id, models }))
}
