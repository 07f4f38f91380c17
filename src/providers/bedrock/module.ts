import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { optional, withDefault } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const region = z.string().check(z.regex(/^[a-z0-9-]{1,32}$/, 'expected a region such as `eu-central-1`'))
const section = z.strictObject({
  region: optional(region, 'AWS region whose models are used'),
  accessKeyId: optional(secretSchema, 'Access key id of an AWS identity that may call `bedrock:InvokeModelWithResponseStream`'),
  secretAccessKey: optional(secretSchema, 'Secret access key that belongs to `accessKeyId`'),
  sessionToken: optional(secretSchema, 'Session token, for temporary credentials'),
  bearerToken: optional(secretSchema, 'Bedrock API key; used instead of an access key where it is set'),
  baseUrl: optional(baseUrlSchema, 'Address that takes requests and lists models; by default the two public hosts of the region'),
  promptCaching: withDefault(z.boolean(), true, 'Put cache points on system prompt, tools and the last message, for models known to take them (Claude, Nova)'),
})
const config = z.prefault(section, {})
export type BedrockConfig = z.infer<typeof config>

export const bedrock: AdapterModule<Provider, BedrockConfig> = {
  id: 'bedrock',
  summary: 'Models of several makers on Amazon Bedrock',
  defaultModel: 'global.anthropic.claude-sonnet-4-6',
  config,
  env: {
    AWS_REGION: 'region',
    AWS_DEFAULT_REGION: 'region',
    AWS_ACCESS_KEY_ID: 'accessKeyId',
    AWS_SECRET_ACCESS_KEY: 'secretAccessKey',
    AWS_SESSION_TOKEN: 'sessionToken',
    AWS_BEARER_TOKEN_BEDROCK: 'bearerToken',
  },
  isConfigured: (section) =>
    section.region !== undefined && (section.bearerToken !== undefined || (section.accessKeyId !== undefined && section.secretAccessKey !== undefined)),
  create: async (section, deps) => (await import('./provider.ts')).createBedrock(section, deps),
}
