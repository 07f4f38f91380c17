/** The configuration of this state folder, with the sections of every provider and the way to open what is sealed. */
import type { Sections } from '../config/schema.ts'
import type { Flag } from '../config/layers.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import type { Paths } from '../config/paths.ts'
import { providerModules } from './registry/providers.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export const sections: Sections = Object.fromEntries(providerModules.map(({ id, config, env }) => [id, { schema: config, env }]))

/** `open` turns sealed values into their secrets; without it they stay sealed, which is enough to show the configuration. */
export function loadSettings(env: Environment, paths: Paths, flags: readonly Flag[], open?: (path: string, sealed: string) => string): Promise<LoadedConfig> {
  return loadConfig({ file: paths.configFile, env, sections, flags, ...(open === undefined ? {} : { open }) })
}
