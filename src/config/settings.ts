/** The configuration as doors show it: secrets as `[secret]`, every value with the place it came from. */
import * as z from 'zod/mini'
import { AppError } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import { Secret } from '../contracts/secret.ts'
import type { Explanation, Settings } from '../contracts/settings.ts'
import { isObject, type Origin } from './layers.ts'
import { findPlace, stopOf, type FoundPlace, type Place } from './places.ts'
import { meantBy } from './problems.ts'

const DEFAULT: Origin = { source: 'default', from: null }
const RANK = { default: 0, file: 1, shared: 2, environment: 3, flag: 4 } as const

export function createSettings(options: {
  readonly file: string
  /** Of the file, or null where there is none. */
  readonly text: string | null
  readonly schema: z.core.$ZodType
  readonly root: Place
  /** Parsed: secrets are `Secret`. */
  readonly config: unknown
  readonly origins: ReadonlyMap<string, Origin>
}): Settings {
  const { root, config, origins } = options
  const find = (path: string): FoundPlace => findPlace(root, path) ?? refusePath(root, path)
  const value = ({ segments }: FoundPlace): JsonValue => redact(segments.reduce<unknown>(memberOf, config))
  return {
    file: options.file,
    get hash() {
      // Not imported: loading it takes half as long as a whole start of the runtime, and few ask.
      return options.text === null ? null : process.getBuiltinModule('node:crypto').hash('sha256', options.text)
    },
    redacted: () => redact(config),
    get: (path) => value(find(path)),
    explain(path): Explanation {
      const found = find(path)
      return { path, value: value(found), ...originOf(origins, found.segments.join('.')), description: found.place.description }
    },
    schema: () => z.json().parse(z.toJSONSchema(options.schema, { io: 'input', unrepresentable: 'any' })),
  }
}

/** Throws `config/unknown-key` with the nearest key as hint. */
export function refusePath(root: Place, path: string): never {
  const { parent, word } = stopOf(root, path)
  const meant = meantBy(root, parent === '' ? [] : parent.split('.'), word)
  throw new AppError('config/unknown-key', path.slice(0, 200), { hint: meant === null ? 'cara config show lists every key' : `Did you mean ${meant}?` })
}

/** Where a value came from; for a section, the strongest source of anything in it. */
function originOf(origins: ReadonlyMap<string, Origin>, path: string): Origin {
  // An array or object set as a whole answers for what is inside.
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const origin = origins.get(at)
    if (origin !== undefined && (at === path || !hasBelow(origins, at))) return strongest(origins, path, origin)
  }
  return strongest(origins, path, DEFAULT)
}

function hasBelow(origins: ReadonlyMap<string, Origin>, path: string): boolean {
  for (const key of origins.keys()) if (key.startsWith(`${path}.`)) return true
  return false
}

function strongest(origins: ReadonlyMap<string, Origin>, path: string, start: Origin): Origin {
  let best = start
  for (const [key, origin] of origins) if ((path === '' || key.startsWith(`${path}.`)) && RANK[origin.source] > RANK[best.source]) best = origin
  return best
}

function memberOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)]
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** Absent values show as null; what is not JSON shows as its text. */
function redact(value: unknown): JsonValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof Secret) return value.toJSON()
  if (value instanceof URL) return value.href
  if (Array.isArray(value)) return value.map(redact)
  if (!isObject(value)) return typeof value
  return Object.fromEntries(Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, redact(member)]])))
}
