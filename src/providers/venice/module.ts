import * as z from 'zod'
import type { AdapterModule } from '../../contracts/adapter.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlField } from '../wire/config-fields.ts'

const config = z
  .strictObject({
    apiKey: secretSchema.optional().describe('API key of Venice'),
    baseUrl: baseUrlField('Address of the API with its version; by default https://api.venice.ai/api/v1').optional(),
    parameters: z.record(z.string(), z.json()).optional().describe('Sent along as `venice_parameters`, for example `{ enable_web_search: "off" }`'),
  })
  .prefault({})

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
