/** Every model that can be named: routes first, then what each configured provider lists. A provider that does not answer is left out, with a warning. */
import type { Log } from '../contracts/log.ts'
import { knownModel } from '../agent/known-models.ts'
import type { ModelDirectory } from '../agent/models.ts'
import type { ModelListing } from './gateway.ts'

const MAX_MODELS_PER_PROVIDER = 500

export async function listModels(models: ModelDirectory, log: Log, signal: AbortSignal): Promise<readonly ModelListing[]> {
  const routes: ModelListing[] = models.routes.map((name) => ({ name, kind: 'route', provider: 'carapace' }))
  const perProvider = await Promise.all(models.providerIds.map((id) => listProvider(id, models, log, signal)))
  return [...routes, ...perProvider.flat()]
}

async function listProvider(id: string, models: ModelDirectory, log: Log, signal: AbortSignal): Promise<readonly ModelListing[]> {
  try {
    const provider = await models.provider(id)
    const listed = await provider.listModels(signal)
    return listed.slice(0, MAX_MODELS_PER_PROVIDER).map((model) => listing(id, model.id, model.contextTokens))
  } catch (error) {
    log.warn('models.unlisted', { provider: id, error })
    return []
  }
}

function listing(provider: string, id: string, contextTokens: number | undefined): ModelListing {
  const name = `${provider}:${id}`
  const known = knownModel(name)
  const window = contextTokens ?? known?.contextTokens
  return {
    name,
    kind: 'model',
    provider,
    ...(window === undefined ? {} : { contextTokens: window }),
    ...(known === null ? {} : { price: { input: known.price.inputPerMTok, output: known.price.outputPerMTok } }),
  }
}
