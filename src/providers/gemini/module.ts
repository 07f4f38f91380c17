import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const section = z.strictObject({
  apiKey: optional(secretSchema, 'Key of the Gemini API, from https://aistudio.google.com/apikey'),
  baseUrl: optional(baseUrlSchema, 'Address of a server that speaks the Gemini API; by default https://generativelanguage.googleapis.com'),
})
const config = z.prefault(section, {})
export type GeminiConfig = z.infer<typeof config>

export const gemini: AdapterModule<Provider, GeminiConfig> = {
  id: 'gemini',
  summary: 'Gemini models of Google',
  defaultModel: 'gemini-3.8-flash',
  config,
  env: { GOOGLE_API_KEY: 'apiKey', GOOGLE_API_BASE_URL: 'baseUrl' },
  isConfigured: ({ apiKey, baseUrl }) => apiKey !== undefined || baseUrl !== undefined,
  create: async (section, deps) => (await import('./provider.ts')).createGemini(section, deps),
}
