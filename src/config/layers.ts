/** Puts the sources on top of each other, defaults < file < shared < environment < flags, and remembers which one each value came from. */
import type { EnvTable } from '../contracts/adapter.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { SharedValue, ValueSource } from '../contracts/settings.ts'
import { findPlace, readText, type Place } from './places.ts'
import { coreEnv, type Sections } from './schema.ts'

/** A value of the command line. */
export interface Flag {
  /** Dotted path. */
  readonly path: string
  readonly value: JsonValue
  /** As typed, for explanations: `--port`. */
  readonly flag: string
}

export interface Origin {
  readonly source: ValueSource
  readonly from: string | null
}

/** What stands above the defaults, and where each leaf of it came from. */
export interface Layers {
  readonly data: unknown
  readonly origins: ReadonlyMap<string, Origin>
}

interface Override extends Origin {
  readonly segments: readonly string[]
  readonly value: JsonValue
}

export function layer(options: {
  readonly root: Place
  readonly file: string
  readonly fileData: unknown
  readonly env: Readonly<Record<string, string | undefined>>
  readonly sections: Sections
  readonly flags: readonly Flag[]
  readonly shared: readonly SharedValue[]
}): Layers {
  const origins = new Map<string, Origin>()
  mark(options.fileData, [], { source: 'file', from: options.file }, origins)
  let data = options.fileData
  for (const { segments, value, source, from } of [...shared(options), ...environment(options), ...flags(options)]) {
    data = withValue(data, segments, value)
    // What was below is gone with the value it belonged to.
    for (const path of origins.keys()) if (path.startsWith(`${segments.join('.')}.`)) origins.delete(path)
    origins.set(segments.join('.'), { source, from })
  }
  return { data, origins }
}

function environment({ root, env, sections }: Parameters<typeof layer>[0]): readonly Override[] {
  const taken = new Set<string>()
  const found: Override[] = []
  const read = (table: EnvTable, prefix: string) => {
    for (const [name, path] of Object.entries(table)) {
      const text = env[name]
      const place = findPlace(root, prefix + path)
      // The first variable of a path wins; an empty one counts as not set.
      if (text === undefined || text === '' || place === null || taken.has(prefix + path)) continue
      taken.add(prefix + path)
      found.push({ segments: place.segments, value: readText(text, place.place.expected, JSON.parse), source: 'environment', from: name })
    }
  }
  read(coreEnv, '')
  for (const [id, section] of Object.entries(sections)) read(section.env, `providers.${id}.`)
  return found
}

/** Taken as they are: a `${…}` in them names no variable of this node. */
function shared({ root, shared: values }: Parameters<typeof layer>[0]): readonly Override[] {
  return values.map(({ path, value, version }) => {
    return { segments: findPlace(root, path)?.segments ?? path.split('.'), value, source: 'shared', from: `shared settings, version ${version}` }
  })
}

function flags({ root, flags: given }: Parameters<typeof layer>[0]): readonly Override[] {
  return given.map(({ path, value, flag }) => ({ segments: findPlace(root, path)?.segments ?? path.split('.'), value, source: 'flag', from: flag }))
}

/** A copy with one value replaced; what stands in its way and is no object is left for the schema to refuse. */
function withValue(data: unknown, segments: readonly string[], value: JsonValue): unknown {
  const [key, ...rest] = segments
  if (key === undefined) return value
  if (data !== undefined && !isObject(data)) return data
  const members = data ?? {}
  return { ...members, [key]: withValue(Object.hasOwn(members, key) ? members[key] : undefined, rest, value) }
}

function mark(data: unknown, path: readonly string[], origin: Origin, origins: Map<string, Origin>): void {
  if (path.length > 0) origins.set(path.join('.'), origin)
  if (isObject(data)) for (const [key, member] of Object.entries(data)) mark(member, [...path, key], origin, origins)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
