import type { AdapterDeps } from '../../contracts/adapter.ts'
import { AppError } from '../../contracts/errors.ts'
import type { ModelInfo, Provider } from '../../contracts/provider.ts'
import { headerKey } from '../wire/bearer.ts'
import { defineProvider } from '../wire/define-provider.ts'
import type { Protocol } from '../wire/protocol.ts'
import { countOf, fieldsOf, listOf, textOf } from '../wire/read-json.ts'
import { sseFraming } from '../wire/sse.ts'
import { GeminiDecoder } from './decode.ts'
import { encodeRequest } from './encode.ts'
import { geminiFault } from './fault.ts'
import type { GeminiConfig } from './module.ts'

/** Some models think for minutes before the first byte. */
const PATIENCE_MS = 300_000

export function geminiProtocol(): Protocol {
  return {
    path: (request) => `/v1beta/models/${encodeURIComponent(bareName(request.model))}:streamGenerateContent?alt=sse`,
    encode: encodeRequest,
    decoder: (request) => new GeminiDecoder(request),
    fault: (status, _headers, body) => geminiFault(status, body),
  }
}

export function createGemini(config: GeminiConfig, deps: AdapterDeps): Provider {
  const { apiKey, baseUrl } = config
  return defineProvider(
    {
      id: 'gemini',
      traits: { images: true, tools: true, demo: false },
      protocol: geminiProtocol(),
      framing: sseFraming,
      baseUrl: withoutVersion(baseUrl ?? new URL('https://generativelanguage.googleapis.com')),
      secrets: apiKey === undefined ? [] : [apiKey],
      authorize() {
        // A server of one's own, or a proxy that holds the key, may want none.
        if (apiKey === undefined && baseUrl !== undefined) return {}
        if (apiKey === undefined) throw new AppError('provider/auth', 'no key is configured', { hint: 'Set GOOGLE_API_KEY or providers.gemini.apiKey' })
        return { 'x-goog-api-key': headerKey(apiKey) }
      },
      models: { path: '/v1beta/models?pageSize=1000', read: readModels },
      patienceMs: PATIENCE_MS,
    },
    deps,
  )
}

function bareName(model: string): string {
  return model.replace(/^models\//, '')
}

/** Both spellings of the base are in use; the paths here carry the version. */
function withoutVersion(baseUrl: URL): URL {
  return new URL(baseUrl.href.replace(/\/v1beta\/*$/, ''))
}

/** Those that can converse. */
function readModels(answer: unknown): readonly ModelInfo[] | null {
  const models = fieldsOf(answer)?.['models']
  if (!Array.isArray(models)) return null
  return models.flatMap((entry: unknown) => {
    const model = fieldsOf(entry)
    const id = bareName(textOf(model?.['name']))
    const contextTokens = countOf(model?.['inputTokenLimit'])
    const canConverse = listOf(model?.['supportedGenerationMethods']).includes('generateContent')
    return id === '' || !canConverse ? [] : [{ id, ...(contextTokens === 0 ? {} : { contextTokens }) }]
  })
}
