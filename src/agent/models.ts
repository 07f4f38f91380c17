/** Which models a name stands for, and what is known of them. */
import { AppError } from '../contracts/errors.ts'
import type { Provider } from '../contracts/provider.ts'
import type { CoreConfig, Price } from '../config/schema.ts'
import { knownModel } from './known-models.ts'

export interface ResolvedModel {
  /** `provider:model`. */
  readonly name: string
  readonly model: string
  readonly provider: Provider
  readonly windowTokens: number
  readonly price: Price | null
}

export interface ModelDirectory {
  /** The chain that a name stands for, in order. Throws `provider/unknown` or `provider/none`. */
  resolve(name: string | null): Promise<readonly ResolvedModel[]>
  /** Ids of every provider that can be asked. */
  readonly providerIds: readonly string[]
  readonly routes: readonly string[]
  provider(id: string): Promise<Provider>
}

export interface ModelDirectoryOptions {
  /** Read at each use: what several gateways share of it may change. */
  readonly config: Pick<CoreConfig, 'routes' | 'usage' | 'agent'>
  /** Asked when nobody named a model; may wait for the search at start. */
  readonly defaultModel: () => Promise<string | null>
  /** Loads a provider's code when it is first needed. */
  readonly providers: ReadonlyMap<string, () => Promise<Provider>>
}

const FALLBACK_WINDOW = 32_768
const MAX_REMEMBERED = 200

export function createModelDirectory(options: ModelDirectoryOptions): ModelDirectory {
  const { config } = options
  const loaded = new Map<string, Promise<Provider>>()
  const resolved = new Map<string, Promise<ResolvedModel>>()
  /** What the resolved ones were made of. */
  let made = { usage: config.usage, agent: config.agent }

  function provider(id: string): Promise<Provider> {
    const known = loaded.get(id)
    if (known !== undefined) return known
    const load = options.providers.get(id)
    if (load === undefined) {
      const hint = `Configured: ${[...options.providers.keys(), ...Object.keys(config.routes)].join(', ') || 'none'}. Add one with: cara setup`
      return Promise.reject(new AppError('provider/unknown', id, { hint }))
    }
    const loading = load()
    loaded.set(id, loading)
    loading.catch(() => loaded.delete(id))
    return loading
  }

  function resolveOne(name: string): Promise<ResolvedModel> {
    if (made.usage !== config.usage || made.agent !== config.agent) {
      made = { usage: config.usage, agent: config.agent }
      resolved.clear()
    }
    const known = resolved.get(name)
    if (known !== undefined) return known
    const resolving = resolveAnew(name)
    // Names come from requests: only so many are remembered.
    if (resolved.size >= MAX_REMEMBERED) resolved.clear()
    resolved.set(name, resolving)
    resolving.catch(() => resolved.delete(name))
    return resolving
  }

  async function resolveAnew(name: string): Promise<ResolvedModel> {
    const colon = name.indexOf(':')
    if (colon <= 0) throw new AppError('provider/unknown', name, { hint: 'Name a model as provider:model, or a route' })
    const model = name.slice(colon + 1)
    const instance = await provider(name.slice(0, colon))
    const known = knownModel(name)
    const windowTokens = config.agent.context.windowTokens ?? instance.traits.contextTokens ?? known?.contextTokens ?? FALLBACK_WINDOW
    return { name, model, provider: instance, windowTokens, price: config.usage.prices[name] ?? known?.price ?? null }
  }

  return {
    async resolve(name) {
      const wanted = name ?? (await options.defaultModel())
      if (wanted === null) throw new AppError('provider/none', undefined, { hint: 'Connect one with: cara setup' })
      const route = config.routes[wanted]
      return route === undefined ? [await resolveOne(wanted)] : Promise.all(route.models.map(resolveOne))
    },
    get providerIds() {
      return [...options.providers.keys()]
    },
    get routes() {
      return Object.keys(config.routes)
    },
    provider,
  }
}
