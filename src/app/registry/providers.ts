/** Every provider, in the order in which they are looked for and offered. Adding one is a folder and a line here. */
import type { AdapterModule } from '../../contracts/adapter.ts'
import type { Provider } from '../../contracts/provider.ts'
import { anthropic } from '../../providers/anthropic/module.ts'
import { bedrock } from '../../providers/bedrock/module.ts'
import { compatible } from '../../providers/compatible/module.ts'
import { demo } from '../../providers/demo/module.ts'
import { gemini } from '../../providers/gemini/module.ts'
import { ollama } from '../../providers/ollama/module.ts'
import { openai } from '../../providers/openai/module.ts'
import { venice } from '../../providers/venice/module.ts'

/** A module makes one provider under its own id, or several under ids that its section names (`providerIds`). */
export type ProviderModule = AdapterModule<Provider | readonly Provider[], unknown>

export const providerModules: readonly ProviderModule[] = [anthropic, openai, gemini, venice, bedrock, ollama, compatible, demo]
