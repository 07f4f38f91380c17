import type { AdapterDeps } from '../../contracts/adapter.ts'
import { AppError } from '../../contracts/errors.ts'
import type { ModelInfo, Provider } from '../../contracts/provider.ts'
import { headerKey } from '../wire/bearer.ts'
import { defineProvider } from '../wire/define-provider.ts'
import type { Protocol } from '../wire/protocol.ts'
import { countOf, fieldsOf, textOf } from '../wire/read-json.ts'
import { sseFraming } from '../wire/sse.ts'
import { AnthropicDecoder } from './decode.ts'
import { encodeRequest } from './encode.ts'
import { anthropicFault } from './fault.ts'
import type { AnthropicConfig } from './module.ts'

/** Without it the API does not know `block_binding`. A text cannot look like that field: inside a string its quotes are escaped. */
const BINDING_CONTROLS = 'thinking-binding-controls-2026-08-01'

export function anthropicProtocol(id: string): Protocol {
  return {
    path: () => '/v1/messages',
    encode: (request) => encodeRequest(request, `${id}:${request.model}`),
    decoder: (request) => new AnthropicDecoder(request),
    fault: (status, _headers, body) => anthropicFault(status, body),
  }
}

export function createAnthropic(config: AnthropicConfig, deps: AdapterDeps): Provider {
  const { apiKey, baseUrl } = config
  return defineProvider(
    {
      id: 'anthropic',
      traits: { images: true, tools: true, demo: false },
      protocol: anthropicProtocol('anthropic'),
      framing: sseFraming,
      baseUrl: withoutVersion(baseUrl ?? new URL('https://api.anthropic.com')),
      secrets: apiKey === undefined ? [] : [apiKey],
      extraHeaders: { 'anthropic-version': '2023-06-01' },
      authorize({ body }) {
        const beta = body.includes('"block_binding":{') ? { 'anthropic-beta': BINDING_CONTROLS } : {}
        // A server of one's own, or a proxy that holds the key, may want none.
        if (apiKey === undefined && baseUrl !== undefined) return beta
        if (apiKey === undefined) throw new AppError('provider/auth', 'no key is configured', { hint: 'Set ANTHROPIC_API_KEY or providers.anthropic.apiKey' })
        return { ...beta, 'x-api-key': headerKey(apiKey) }
      },
      models: { path: '/v1/models?limit=1000', read: readModels },
    },
    deps,
  )
}

/** Both spellings of the base are in use; the paths here carry the version. */
function withoutVersion(baseUrl: URL): URL {
  return new URL(baseUrl.href.replace(/\/v1\/*$/, ''))
}

function readModels(answer: unknown): readonly ModelInfo[] | null {
  const data = fieldsOf(answer)?.['data']
  if (!Array.isArray(data)) return null
  return data.flatMap((entry: unknown) => {
    const model = fieldsOf(entry)
    const id = textOf(model?.['id'])
    const contextTokens = countOf(model?.['max_input_tokens'])
    return id === '' ? [] : [{ id, ...(contextTokens === 0 ? {} : { contextTokens }) }]
  })
}
