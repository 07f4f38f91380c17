import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const section = z.strictObject({
  baseUrl: optional(baseUrlSchema, 'Address of the server, without a path; by default http://127.0.0.1:11434'),
  apiKey: optional(secretSchema, 'Key of a proxy in front of the server'),
  contextTokens: optional(z.int().check(z.gte(512)), 'Tokens of context that the server gives each model (its `OLLAMA_CONTEXT_LENGTH`)'),
})
const config = z.prefault(section, {})

export const ollama: AdapterModule<Provider, z.infer<typeof config>> = {
  id: 'ollama',
  summary: 'Ollama, models on this machine',
  config,
  env: { OLLAMA_BASE_URL: 'baseUrl' },
  // Without an address it is the probe of local ports that finds it.
  isConfigured: ({ baseUrl }) => baseUrl !== undefined,
  async create({ baseUrl, apiKey, contextTokens }, deps) {
    const { LOCAL_PATIENCE_MS, openAiCompatible } = await import('../wire/openai-compatible.ts')
    const server = baseUrl ?? new URL('http://127.0.0.1:11434')
    // Whoever gives the address of the OpenAI-compatible part means the same server.
    const root = server.href.replace(/\/+(v1\/*)?$/, '')
    return openAiCompatible({ id: 'ollama', baseUrl: new URL(`${root}/v1`), apiKey, contextTokens, patienceMs: LOCAL_PATIENCE_MS }, deps)
  },
}
