import type { AdapterDeps } from '../../contracts/adapter.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Provider } from '../../contracts/provider.ts'
import { bearer } from '../wire/bearer.ts'
import { defineProvider, type HeaderValues, type OutgoingRequest, type ProviderSpec } from '../wire/define-provider.ts'
import { eventStreamFraming } from '../wire/event-stream.ts'
import type { Protocol } from '../wire/protocol.ts'
import { FOUNDATION_MODELS, INFERENCE_PROFILES } from './catalog.ts'
import { BedrockDecoder } from './decode.ts'
import { encodeRequest } from './encode.ts'
import { bedrockFault } from './fault.ts'
import type { BedrockConfig } from './module.ts'
import { sign } from './sign.ts'

/** The stream has no keep-alive, and a model may think for minutes. */
const PATIENCE_MS = 300_000

export function bedrockProtocol(id: string, promptCaching: boolean): Protocol {
  return {
    path: (request) => `/model/${encodeURIComponent(request.model)}/converse-stream`,
    encode: (request) => encodeRequest(request, { author: `${id}:${request.model}`, promptCaching }),
    decoder: (request) => new BedrockDecoder(request),
    fault: bedrockFault,
  }
}

/** Talks to two hosts of one region: the runtime, and the control plane that lists models. */
export function createBedrock(config: BedrockConfig, deps: AdapterDeps): Provider {
  const { region } = config
  if (region === undefined) throw new AppError('config/invalid', 'Bedrock needs a region', { hint: 'Set AWS_REGION or providers.bedrock.region' })
  const spec: Omit<ProviderSpec, 'models'> = {
    id: 'bedrock',
    traits: { images: true, tools: true, demo: false },
    protocol: bedrockProtocol('bedrock', config.promptCaching),
    framing: eventStreamFraming,
    baseUrl: config.baseUrl ?? host('bedrock-runtime', region),
    secrets: [config.bearerToken, config.accessKeyId, config.secretAccessKey, config.sessionToken].filter((secret) => secret !== undefined),
    authorize: (request) => authorize(request, config, region, deps.now()),
    patienceMs: PATIENCE_MS,
  }
  const listing = config.baseUrl ?? host('bedrock', region)
  const foundation = defineProvider({ ...spec, models: { ...FOUNDATION_MODELS, baseUrl: listing } }, deps)
  const profiles = defineProvider({ ...spec, models: { ...INFERENCE_PROFILES, baseUrl: listing } }, deps)
  return { ...foundation, listModels: async (signal) => (await Promise.all([foundation.listModels(signal), profiles.listModels(signal)])).flat() }
}

function host(service: string, region: string): URL {
  return new URL(`https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`)
}

function authorize(request: OutgoingRequest, config: BedrockConfig, region: string, now: number): HeaderValues | Promise<HeaderValues> {
  const { bearerToken, accessKeyId, secretAccessKey, sessionToken } = config
  if (bearerToken !== undefined) return bearer(bearerToken)
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new AppError('provider/auth', 'no credentials are configured', {
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK',
    })
  }
  return sign(request, { accessKeyId, secretAccessKey, sessionToken }, region, now)
}
