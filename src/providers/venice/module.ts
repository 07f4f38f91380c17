import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const section = z.strictObject({
  apiKey: optional(secretSchema, 'API key of Venice'),
  baseUrl: optional(baseUrlSchema, 'Address of the API with its version; by default https://api.venice.ai/api/v1'),
  parameters: optional(z.record(z.string(), z.json()), 'Sent along as `venice_parameters`, for example `{ enable_web_search: "off" }`'),
})
const config = z.prefault(section, {})

export const venice: AdapterModule<Provider, z.infer<typeof config>> = {
  id: 'venice',
  summary: 'Venice, private inference',
  config,
  env: { VENICE_API_KEY: 'apiKey' },
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  async create({ apiKey, baseUrl, parameters }, deps) {
    const { openAiCompatible } = await import('../wire/openai-compatible.ts')
    const dialect = {
      tokenLimitField: 'max_completion_tokens',
      cacheKey: true,
      ...(parameters === undefined ? {} : { extraBody: { venice_parameters: parameters } }),
    } as const
    return openAiCompatible({ id: 'venice', baseUrl: baseUrl ?? new URL('https://api.venice.ai/api/v1'), apiKey, dialect }, deps)
  },
}
