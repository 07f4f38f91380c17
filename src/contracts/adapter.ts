/** What a registry line points at: schema, environment, docs, wizard and example config all derive from it. */
import type * as z from 'zod/mini'
import type { EgressFetch } from './egress.ts'
import type { Log } from './log.ts'

/** Environment variables that fill config paths of the section, in order of precedence. Example: `{ ANTHROPIC_API_KEY: 'apiKey' }`. */
export type EnvTable = Readonly<Record<string, string>>

export interface AdapterDeps {
  readonly fetch: EgressFetch
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface AdapterModule<Product, Config> {
  readonly id: string
  /** One line for listings and docs. */
  readonly summary: string
  readonly config: z.ZodMiniType<Config>
  readonly env: EnvTable
  /** Is there enough in this section to be used? (A key, a base URL.) */
  isConfigured(config: Config): boolean
  /** Ids of what `create` makes, where they are not simply the module's own. */
  providerIds?(config: Config): readonly string[]
  /** The model that is used when nobody named one; absent where the vendor's list decides. */
  readonly defaultModel?: string
  /** Loads the code lazily, so that an adapter that is not used costs nothing at start. */
  create(config: Config, deps: AdapterDeps): Promise<Product>
}
