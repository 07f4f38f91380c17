import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const account = z.string().check(z.minLength(1), z.maxLength(200))
const section = z.strictObject({
  apiKey: optional(secretSchema, 'API key of OpenAI'),
  baseUrl: optional(baseUrlSchema, 'Address of the API with its version, for servers that stand in for OpenAI; by default https://api.openai.com/v1'),
  organization: optional(account, 'Organization that calls are billed to'),
  project: optional(account, 'Project that calls are billed to'),
})
const config = z.prefault(section, {})

export const openai: AdapterModule<Provider, z.infer<typeof config>> = {
  id: 'openai',
  summary: 'OpenAI',
  defaultModel: 'gpt-5-mini',
  config,
  env: { OPENAI_API_KEY: 'apiKey', OPENAI_BASE_URL: 'baseUrl', OPENAI_ORG_ID: 'organization', OPENAI_PROJECT_ID: 'project' },
  isConfigured: ({ apiKey, baseUrl }) => apiKey !== undefined || baseUrl !== undefined,
  async create({ apiKey, baseUrl, organization, project }, deps) {
    const { openAiCompatible } = await import('../wire/openai-compatible.ts')
    return openAiCompatible(
      {
        id: 'openai',
        baseUrl: baseUrl ?? new URL('https://api.openai.com/v1'),
        apiKey,
        headers: {
          ...(organization === undefined ? {} : { 'openai-organization': organization }),
          ...(project === undefined ? {} : { 'openai-project': project }),
        },
        dialect: { tokenLimitField: 'max_completion_tokens', cacheKey: true },
      },
      deps,
    )
  },
}
