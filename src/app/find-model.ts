/** Which model answers when nobody names one: config, then the environment's credentials, then a server on a usual loopback port, then the built-in demo. */
import type { Log } from '../contracts/log.ts'
import type { Provider } from '../contracts/provider.ts'
import type { ValueSource } from '../contracts/settings.ts'
import type { Config } from '../config/schema.ts'
import type { DefaultModel } from '../gateway/gateway.ts'
import { configuredModules } from './provider-set.ts'

export interface FindModelOptions {
  readonly config: Config
  /** Where `agent.model` and the providers' values come from. */
  readonly sourceOf: (path: string) => ValueSource
  readonly load: (id: string) => Promise<Provider>
  /** Model servers on this machine that were not configured; each becomes a provider under its id. */
  readonly probe: (signal: AbortSignal) => Promise<readonly { readonly id: string; readonly models: readonly string[] }[]>
  readonly log: Log
}

const LIST_MS = 3000

export async function findModel(options: FindModelOptions, signal: AbortSignal): Promise<DefaultModel> {
  const { config, sourceOf } = options
  const named = config.agent.model
  if (named !== undefined) return { name: named, source: sourceOf('agent.model') === 'environment' ? 'environment' : 'config', demo: false }
  const modules = configuredModules(config)
  // What stands in the file goes before what merely stands in the environment.
  const isFromFile = (id: string) => sourceOf(`providers.${id}`) === 'file'
  const ordered = [...modules.filter(({ id }) => isFromFile(id)), ...modules.filter(({ id }) => !isFromFile(id))].filter(({ id }) => id !== 'demo')
  for (const module of ordered) {
    const source = isFromFile(module.id) ? 'config' : 'environment'
    if (module.defaultModel !== undefined) return { name: `${module.id}:${module.defaultModel}`, source, demo: false }
    for (const id of module.providerIds?.(config.providers[module.id]) ?? [module.id]) {
      const first = await firstListed(id, options, signal)
      if (first !== null) return { name: `${id}:${first}`, source, demo: false }
    }
  }
  for (const { id, models } of await options.probe(signal)) {
    const first = models.find((name) => !/embed/i.test(name))
    if (first !== undefined) return { name: `${id}:${first}`, source: 'probe', demo: false }
  }
  const isDemoOn = modules.some(({ id }) => id === 'demo')
  return isDemoOn ? { name: 'demo:tiny', source: 'demo', demo: true } : { name: null, source: 'none', demo: false }
}

async function firstListed(id: string, { load, log }: FindModelOptions, signal: AbortSignal): Promise<string | null> {
  try {
    const provider = await load(id)
    const models = await provider.listModels(AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]))
    return models.find((model) => !/embed/i.test(model.id))?.id ?? null
  } catch (error) {
    log.warn('models.unlisted', { provider: id, error })
    return null
  }
}
