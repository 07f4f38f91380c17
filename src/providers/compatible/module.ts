/**
 * Any number of servers that speak OpenAI's protocol, each with a name of the owner's choice, which becomes the provider's id: the section is a record, and the
 * product a list. Whoever composes the providers adds them all, and refuses a name that another provider has.
 */
import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { described, optional, withDefault } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'
import { secretSchema } from '../../contracts/secret.ts'
import { baseUrlSchema } from '../wire/config-fields.ts'

const modelId = z.string().check(z.minLength(1), z.maxLength(200))
const server = z.strictObject({
  baseUrl: described(z.clone(baseUrlSchema), 'Address of the API with its version, for example http://127.0.0.1:8000/v1'),
  apiKey: optional(secretSchema, 'Key that the server asks for'),
  contextTokens: optional(z.int().check(z.gte(512)), 'Tokens that fit the window of its models'),
  models: optional(z.array(modelId).check(z.maxLength(1000)), 'Its models, where it cannot list them itself'),
})

const name = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a server’s name holds a-z, 0-9 and -'))
const config = withDefault(z.record(name, server), {}, 'Servers that speak OpenAI’s protocol, by name; `NAME:model` is a model of such a server')

export const compatible: AdapterModule<readonly Provider[], z.infer<typeof config>> = {
  id: 'compatible',
  summary: 'Any server with an OpenAI-compatible API',
  config,
  env: {},
  providerIds: (servers) => Object.keys(servers),
  isConfigured: (servers) => Object.keys(servers).length > 0,
  async create(servers, deps) {
    const { LOCAL_PATIENCE_MS, openAiCompatible } = await import('../wire/openai-compatible.ts')
    return Object.entries(servers).map(([id, more]) => openAiCompatible({ id, patienceMs: LOCAL_PATIENCE_MS, ...more }, deps))
  },
}
