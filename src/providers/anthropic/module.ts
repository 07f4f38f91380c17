import * as z from 'zod'
import type { AdapterModule } from '../../contracts/adapter.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlField } from '../wire/config-fields.ts'

const config = z
  .strictObject({
    apiKey: secretSchema.optional().describe('Key of the Anthropic API, from https://platform.claude.com/settings/keys'),
    baseUrl: baseUrlField('Address of a server that speaks the Messages API; by default https://api.anthropic.com').optional(),
  })
  .prefault({})
export type AnthropicConfig = z.infer<typeof config>

export const anthropic: AdapterModule<Provider, AnthropicConfig> = {
  id: 'anthropic',
  summary: 'Claude models, straight from Anthropic',
  defaultModel: 'claude-sonnet-5-5',
  config,
  env: { ANTHROPIC_API_KEY: 'apiKey', ANTHROPIC_BASE_URL: 'baseUrl' },
  isConfigured: ({ apiKey, baseUrl }) => apiKey !== undefined || baseUrl !== undefined,
  create: async (section, deps) => (await import('./provider.ts')).createAnthropic(section, deps),
}
