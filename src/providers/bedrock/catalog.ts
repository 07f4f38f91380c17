/**
 * Models that can be named in a request: foundation models that run on demand, and inference profiles, through which the newer ones are reached.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html, …/API_ListInferenceProfiles.html
 */
import type { ModelInfo } from '../../contracts/provider.ts'
import type { ModelCatalog } from '../wire/define-provider.ts'
import { fieldsOf, listOf, textOf, type Fields } from '../wire/read-json.ts'

export const FOUNDATION_MODELS: ModelCatalog = {
  path: '/foundation-models?byOutputModality=TEXT',
  read: (answer) =>
    idsOf(
      answer,
      'modelSummaries',
      'modelId',
      (model) => listOf(model['inferenceTypesSupported']).includes('ON_DEMAND') && model['responseStreamingSupported'] !== false,
    ),
}

export const INFERENCE_PROFILES: ModelCatalog = {
  path: '/inference-profiles?maxResults=1000',
  read: (answer) => idsOf(answer, 'inferenceProfileSummaries', 'inferenceProfileId', (profile) => profile['status'] === 'ACTIVE'),
}

function idsOf(answer: unknown, list: string, id: string, isUsable: (entry: Fields) => boolean): readonly ModelInfo[] | null {
  const entries = fieldsOf(answer)?.[list]
  if (!Array.isArray(entries)) return null
  return entries
    .map((entry: unknown) => fieldsOf(entry) ?? {})
    .filter((entry) => isUsable(entry) && textOf(entry[id]) !== '')
    .map((entry) => ({ id: textOf(entry[id]) }))
}
