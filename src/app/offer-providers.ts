/** The providers as the setup wizard asks for them: the fields come out of each module's schema. */
import type { ProviderOffer } from '../cli/context.ts'
import { listKeys, placeOf } from '../config/places.ts'
import { providerModules, type ProviderModule } from './registry/providers.ts'

/** What needs no credentials and no address is not offered, and neither is what needs a name of the owner's choice first. */
export function offerProviders(): readonly ProviderOffer[] {
  return providerModules.map(offer).filter(({ fields }) => fields.length > 0)
}

function offer({ id, summary, config, env, defaultModel }: ProviderModule): ProviderOffer {
  // The first variable of a path wins, as it does where the configuration is read.
  const variables = new Map(
    Object.entries(env)
      .toReversed()
      .map(([variable, path]) => [path, variable]),
  )
  const keys = listKeys(placeOf(config))
  // A vendor with a default model wants its key. With several credentials there are several ways in: none of them is the one that must be given.
  const hasOneSecret = keys.filter(({ secret }) => secret).length === 1
  const fields = keys.flatMap(({ path, description, secret }) => {
    const variable = variables.get(path)
    return variable === undefined ? [] : [{ path, label: description, secret, required: secret && hasOneSecret && defaultModel !== undefined, env: variable }]
  })
  return { id, summary, fields }
}
