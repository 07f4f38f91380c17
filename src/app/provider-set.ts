/** The configured providers, by id, each loaded when it is first asked. */
import type { AdapterDeps } from '../contracts/adapter.ts'
import { AppError } from '../contracts/errors.ts'
import type { Provider } from '../contracts/provider.ts'
import type { Config } from '../config/schema.ts'
import { providerModules, type ProviderModule } from './registry/providers.ts'

export function configuredModules(config: Config): readonly ProviderModule[] {
  return providerModules.filter((module) => module.isConfigured(config.providers[module.id]))
}

export function createProviderSet(config: Config, deps: AdapterDeps): Map<string, () => Promise<Provider>> {
  const set = new Map<string, () => Promise<Provider>>()
  for (const module of configuredModules(config)) {
    const section = config.providers[module.id]
    for (const id of module.providerIds?.(section) ?? [module.id]) {
      if (set.has(id)) throw new AppError('config/invalid', `two providers are named ${id}`, { hint: 'Rename the server under providers.compatible' })
      set.set(id, async () => {
        const made = await module.create(section, deps)
        const provider = isList(made) ? made.find((one) => one.id === id) : made
        if (provider === undefined) throw new AppError('provider/unknown', id)
        return provider
      })
    }
  }
  return set
}

function isList(made: Provider | readonly Provider[]): made is readonly Provider[] {
  return Array.isArray(made)
}
