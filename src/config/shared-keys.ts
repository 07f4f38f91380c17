/**
 * The keys that gateways on one store may share, and what is changed of them while they run. What decides about safety, what names a secret, and what belongs to a machine stands in the file of
 * each node: whoever wants to change it must be able to write there.
 */
import { AppError } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { SharedValue } from '../contracts/settings.ts'
import { findPlace, placeOf, readText } from './places.ts'
import { composeSchema, type Config, type Sections } from './schema.ts'
import { refusePath } from './settings.ts'

/** With everything below them. */
export const sharedKeys = ['agent', 'routes', 'usage', 'retention', 'logging.level'] as const

/** Characters of a value. */
const MAX_VALUE = 64 * 1024

/** The value as the key expects it. Throws `config/unknown-key`, `config/not-shared`, `request/too-large`. */
export async function readShared(sections: Sections, path: string, value: JsonValue): Promise<JsonValue> {
  const root = placeOf(composeSchema(sections))
  const { place } = findPlace(root, path) ?? refusePath(root, path)
  if (!sharedKeys.some((key) => path === key || path.startsWith(`${key}.`))) {
    throw new AppError('config/not-shared', path, { hint: `On each node: cara config set ${path}, and start it again. Shared are: ${sharedKeys.join(', ')}` })
  }
  if (JSON.stringify(value).length > MAX_VALUE) throw new AppError('request/too-large', path)
  if (typeof value !== 'string') return value
  const { default: json5 } = await import('json5')
  return readText(value, place.expected, (source) => json5.parse<unknown>(source))
}

/** What was started, with the shared keys as they are now: whoever reads them anew goes by the newest. */
export function liveConfig(started: Config, current: () => Config): Config {
  return {
    ...started,
    get agent() {
      return current().agent
    },
    get routes() {
      return current().routes
    },
    get usage() {
      return current().usage
    },
    get logging() {
      return { ...started.logging, level: current().logging.level }
    },
    get retention() {
      return current().retention
    },
  }
}

/** The values after a change; null takes one back. */
export function withChange(values: readonly SharedValue[], change: SharedValue): readonly SharedValue[] {
  const others = values.filter(({ path }) => path !== change.path)
  return change.value === null ? others : [...others, change]
}
