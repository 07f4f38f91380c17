/** The secrets of the configuration file as they stand there, found by the schema: listed, sealed in place, sealed again, set. Never opened to be shown. */
import json5 from 'json5'
import type { JsonValue } from '../contracts/json.ts'
import { changeFile, type EditOptions } from './edit.ts'
import { changeText } from './json5-text.ts'
import { isObject } from './layers.ts'
import type { LoadOptions } from './load.ts'
import { childOf, findPlace, placeOf, type Place } from './places.ts'
import { SEALED_PREFIX } from './resolve-values.ts'
import { composeSchema, type Sections } from './schema.ts'
import { parseSource, readSourceFile } from './source-file.ts'

export type SecretForm = 'sealed' | 'plain' | 'reference' | 'environment'

export interface SecretPlace {
  readonly path: string
  readonly form: SecretForm
  /** The variable, where it comes from one that stands for the whole value. */
  readonly from: string | null
}

interface Found {
  readonly segments: readonly string[]
  readonly text: string
}

/** Those of the file, then those that only the environment gives; a variable wins over the file. */
export async function listSecrets({ file, env, sections }: Pick<LoadOptions, 'file' | 'env' | 'sections'>): Promise<readonly SecretPlace[]> {
  const root = placeOf(composeSchema(sections))
  const source = readSourceFile(file)
  const found = source === null ? [] : secretsIn(await parseSource(file, source.text), root)
  const given = fromEnvironment(env, sections, root)
  const own = found.map(({ segments, text }): SecretPlace => {
    const path = segments.join('.')
    const from = given.get(path) ?? null
    return { path, form: from === null ? formOf(text) : 'environment', from }
  })
  const listed = new Set(own.map(({ path }) => path))
  return [...own, ...[...given].filter(([path]) => !listed.has(path)).map(([path, from]): SecretPlace => ({ path, form: 'environment', from }))]
}

/** Seals in place what stands there as plain text. Returns the paths. */
export async function sealConfig(options: EditOptions): Promise<readonly string[]> {
  return rewrite(options, ({ segments, text }) => (formOf(text) === 'plain' ? options.seal(segments.join('.'), text) : text))
}

/** Replaces each sealed text, in one write. Returns the paths. */
export async function resealConfig(options: EditOptions, reseal: (path: string, sealed: string) => string): Promise<readonly string[]> {
  return rewrite(options, ({ segments, text }) => (text.startsWith(SEALED_PREFIX) ? reseal(segments.join('.'), text) : text))
}

/** Sets a secret to exactly this text, sealed: no quotes, no variable and no mark in it means anything. */
export async function setSecret(options: EditOptions, segments: readonly string[], text: string): Promise<void> {
  const sealed = options.seal(segments.join('.'), text)
  await changeFile(options, (before) => changeText(before, segments, sealed))
}

/** Sets several values at once, as they are. */
export async function setValues(
  options: EditOptions,
  values: readonly (readonly [segments: readonly string[], value: JsonValue | undefined])[],
): Promise<void> {
  await changeFile(options, (before) => values.reduce((text, [segments, value]) => changeText(text, segments, value), before))
}

/** The place of a secret by its path, or null where the schema has none there. */
export function secretPlace(sections: Sections, path: string): readonly string[] | null {
  const found = findPlace(placeOf(composeSchema(sections)), path)
  return found?.place.secret === true ? found.segments : null
}

async function rewrite(options: EditOptions, change: (found: Found) => string): Promise<readonly string[]> {
  const root = placeOf(composeSchema(options.sections))
  const paths: string[] = []
  await changeFile(options, (before) => {
    paths.length = 0
    let text = before
    for (const found of secretsIn(before.trim() === '' ? {} : json5.parse<unknown>(before), root)) {
      const next = change(found)
      if (next === found.text) continue
      paths.push(found.segments.join('.'))
      text = changeText(text, found.segments, next)
    }
    return text
  })
  return paths
}

function secretsIn(data: unknown, place: Place | null, segments: readonly string[] = []): readonly Found[] {
  if (place === null || segments.length > 32) return []
  if (typeof data === 'string') return place.secret && data !== '' ? [{ segments, text: data }] : []
  if (!isObject(data)) return []
  return Object.entries(data).flatMap(([key, member]) => secretsIn(member, childOf(place, key), [...segments, key]))
}

function formOf(text: string): Exclude<SecretForm, 'environment'> {
  if (text.startsWith(SEALED_PREFIX)) return 'sealed'
  return text.includes('${') ? 'reference' : 'plain'
}

function fromEnvironment(env: LoadOptions['env'], sections: Sections, root: Place): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const [id, section] of Object.entries(sections))
    for (const [name, path] of Object.entries(section.env)) {
      const whole = `providers.${id}.${path}`
      if ((env[name] ?? '') !== '' && !given.has(whole) && findPlace(root, whole)?.place.secret === true) given.set(whole, name)
    }
  return given
}
