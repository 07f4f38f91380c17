/** A server that speaks OpenAI's chat completions: what a vendor folder fills in. */
import type { AdapterDeps } from '../../contracts/adapter.ts'
import type { ModelInfo, Provider } from '../../contracts/provider.ts'
import type { Secret } from '../../contracts/secret.ts'
import { isLoopbackHost } from '../../std/base-url.ts'
import { bearer } from './bearer.ts'
import { defineProvider, type HeaderValues } from './define-provider.ts'
import type { Dialect } from './openai-chat/encode.ts'
import { openAiChat } from './openai-chat/protocol.ts'
import { countOf, fieldsOf, listOf, textOf } from './read-json.ts'
import { sseFraming } from './sse.ts'

export interface CompatibleSpec {
  readonly id: string
  /** With the version part of its path, as in `https://api.openai.com/v1`. */
  readonly baseUrl: URL
  readonly apiKey?: Secret | undefined
  readonly headers?: HeaderValues
  readonly dialect?: Partial<Dialect>
  readonly patienceMs?: number
  /** Window of every model of this server, where the owner knows it. */
  readonly contextTokens?: number | undefined
  /** The models, where the server does not list them. */
  readonly models?: readonly string[] | undefined
}

/** Local servers load a model, and read a long prompt, before they say a word. */
export const LOCAL_PATIENCE_MS = 600_000

export function openAiCompatible(spec: CompatibleSpec, deps: AdapterDeps): Provider {
  const { id, baseUrl, apiKey, models, contextTokens } = spec
  const provider = defineProvider(
    {
      id,
      baseUrl,
      traits: { images: true, tools: true, demo: false, ...(contextTokens === undefined ? {} : { contextTokens }) },
      protocol: openAiChat({ tokenLimitField: 'max_tokens', cacheKey: false, ...spec.dialect }),
      framing: sseFraming,
      secrets: apiKey === undefined ? [] : [apiKey],
      authorize: () => (apiKey === undefined ? {} : bearer(apiKey)),
      models: { path: '/models', read: (answer) => readModels(answer, contextTokens) },
      ...(spec.headers === undefined ? {} : { extraHeaders: spec.headers }),
      ...patience(spec),
    },
    deps,
  )
  if (models === undefined) return provider
  return { ...provider, listModels: async () => models.map((model) => modelInfo(model, contextTokens)) }
}

/** A server on this machine is given time even where nobody knows what it is. */
function patience({ patienceMs, baseUrl }: CompatibleSpec): { readonly patienceMs?: number } {
  if (patienceMs !== undefined) return { patienceMs }
  return isLoopbackHost(baseUrl.hostname) ? { patienceMs: LOCAL_PATIENCE_MS } : {}
}

/** `{data: [{id}]}`; null for anything else. */
export function readModels(answer: unknown, contextTokens?: number): readonly ModelInfo[] | null {
  const data = fieldsOf(answer)?.['data']
  if (!Array.isArray(data)) return null
  return listOf(data).flatMap((entry) => {
    const id = textOf(fieldsOf(entry)?.['id'])
    return id === '' ? [] : [modelInfo(id, contextTokens ?? windowOf(entry))]
  })
}

/** Where servers put the window: vLLM, OpenRouter, Groq, LM Studio, Venice, llama.cpp. The standard has no place for it. */
const WINDOW_PATHS = [
  ['max_model_len'],
  ['context_length'],
  ['context_window'],
  ['max_context_length'],
  ['model_spec', 'availableContextTokens'],
  ['meta', 'n_ctx'],
] as const

function windowOf(entry: unknown): number | undefined {
  for (const path of WINDOW_PATHS) {
    const tokens = countOf(path.reduce<unknown>((value, key) => fieldsOf(value)?.[key], entry))
    if (tokens > 0) return tokens
  }
  return undefined
}

function modelInfo(id: string, contextTokens: number | undefined): ModelInfo {
  return contextTokens === undefined ? { id } : { id, contextTokens }
}
