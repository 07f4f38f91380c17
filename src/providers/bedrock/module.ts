import * as z from 'zod'
import type { AdapterModule } from '../../contracts/adapter.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlField } from '../wire/config-fields.ts'

const config = z
  .strictObject({
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/, 'expected a region such as `eu-central-1`')
      .optional()
      .describe('AWS region whose models are used'),
    accessKeyId: secretSchema.optional().describe('Access key id of an AWS identity that may call `bedrock:InvokeModelWithResponseStream`'),
    secretAccessKey: secretSchema.optional().describe('Secret access key that belongs to `accessKeyId`'),
    sessionToken: secretSchema.optional().describe('Session token, for temporary credentials'),
    bearerToken: secretSchema.optional().describe('Bedrock API key; used instead of an access key where it is set'),
    baseUrl: baseUrlField('Address that takes requests and lists models; by default the two public hosts of the region').optional(),
    promptCaching: z
      .boolean()
      .default(true)
      .describe('Put cache points on system prompt, tools and the last message, for models known to take them (Claude, Nova)'),
  })
  .prefault({})
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
