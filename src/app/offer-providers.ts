/** The providers as the setup wizard asks for them: the fields come out of each module's schema. */
import type { ProviderOffer } from '../cli/context.ts'
import { listKeys, placeOf } from '../config/places.ts'
import { providerModules, type ProviderModule } from './registry/providers.ts'

/** What needs no credentials and no address is not offered, and neither is what needs a name of the owner's choice first. */
export function offerProviders(): readonly ProviderOffer[] {
  return providerModules.map(offer).filter(({ fields }) => fields.length > 0)
}

function offer({ id, summary, config, env }: ProviderModule): ProviderOffer {
  const variables = new Map(Object.entries(env).map(([variable, path]) => [path, variable]))
  const fields = listKeys(placeOf(config)).flatMap(({ path, description, secret }) => {
    const variable = variables.get(path)
    return variable === undefined ? [] : [{ path, label: description, secret, required: secret && !/TOKEN|BEARER/.test(variable), env: variable }]
  })
  return { id, summary, fields }
}
