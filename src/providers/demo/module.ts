import * as z from 'zod/mini'
import type { AdapterModule } from '../../contracts/adapter.ts'
import { withDefault } from '../../contracts/fields.ts'
import type { Provider } from '../../contracts/provider.ts'

const config = z.strictObject({
  enabled: withDefault(z.boolean(), true, 'Whether the built-in demo model answers where no other model is found'),
})
export type DemoConfig = z.infer<typeof config>

export const demo: AdapterModule<Provider, DemoConfig> = {
  id: 'demo',
  summary: 'The built-in demo model: six small skills, offline, no key',
  config,
  env: {},
  isConfigured: (section) => section.enabled,
  async create(_section, deps) {
    const [{ DemoEngine }, { locate }, { createDemo }] = await Promise.all([import('./engine.ts'), import('./locations.ts'), import('./provider.ts')])
    return createDemo(new DemoEngine({ locations: locate(import.meta.url) }), deps.now)
  },
}
