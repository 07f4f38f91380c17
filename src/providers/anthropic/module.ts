import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const section = z.strictObject({
  apiKey: optional(secretSchema, 'Key of the Anthropic API, from https://platform.claude.com/settings/keys'),
  baseUrl: optional(baseUrlSchema, 'Address of a server that speaks the Messages API; by default https://api.anthropic.com'),
})
const config = z.prefault(section, {})
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
