import * as z from 'zod'
import type { AdapterModule } from '../../contracts/adapter.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlField } from '../wire/config-fields.ts'

const config = z
  .strictObject({
    apiKey: secretSchema.optional().describe('API key of OpenAI'),
    baseUrl: baseUrlField('Address of the API with its version, for servers that stand in for OpenAI; by default https://api.openai.com/v1').optional(),
    organization: z.string().min(1).max(200).optional().describe('Organization that calls are billed to'),
    project: z.string().min(1).max(200).optional().describe('Project that calls are billed to'),
  })
  .prefault({})

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
