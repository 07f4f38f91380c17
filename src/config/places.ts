/** Finds its way in a schema by dotted path: what is expected at a place, what may stand below it, where secrets are. */
import * as z from 'zod/mini'
import * as core from 'zod/v4/core'
import { isSecretSchema } from '../contracts/secret.ts'
import type { JsonValue } from '../contracts/json.ts'

type Schema = z.core.$ZodType

/** What a value must be, as far as reading text for it goes. */
export type Expected = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'any'

export interface Place {
  /** Without the wrappers that make it optional or give it a default. */
  readonly schema: Schema
  readonly expected: Expected
  readonly secret: boolean
  readonly description: string
  readonly defaultValue: unknown
  readonly optional: boolean
}

/** Takes the wrappers off; the outermost description and default win. */
export function placeOf(outer: Schema): Place {
  let schema = outer
  let description: string | undefined
  let defaultValue: unknown
  let optional = false
  let secret = false
  for (;;) {
    description ??= z.globalRegistry.get(schema)?.description
    secret ||= isSecretSchema(schema)
    if (schema instanceof core.$ZodDefault || schema instanceof core.$ZodPrefault) defaultValue ??= schema._zod.def.defaultValue
    else if (schema instanceof core.$ZodOptional || schema instanceof core.$ZodNullable) optional = true
    else if (schema instanceof core.$ZodPipe) {
      schema = schema._zod.def.in
      continue
    } else if (!(schema instanceof core.$ZodReadonly)) break
    schema = schema._zod.def.innerType
  }
  return { schema, expected: expectedBy(schema), secret, description: description ?? '', defaultValue, optional }
}

function expectedBy(schema: Schema): Expected {
  if (schema instanceof core.$ZodString || schema instanceof core.$ZodEnum || schema instanceof core.$ZodStringFormat) return 'string'
  if (schema instanceof core.$ZodNumber) return 'number'
  if (schema instanceof core.$ZodBoolean) return 'boolean'
  if (schema instanceof core.$ZodArray) return 'array'
  if (schema instanceof core.$ZodObject || schema instanceof core.$ZodRecord) return 'object'
  return 'any'
}

/** The place of a member, or null where the schema has none. */
export function childOf(place: Place, key: string): Place | null {
  const { schema } = place
  if (schema instanceof core.$ZodObject) {
    const field: Schema | undefined = Object.hasOwn(schema._zod.def.shape, key) ? schema._zod.def.shape[key] : undefined
    return field === undefined ? null : placeOf(field)
  }
  if (schema instanceof core.$ZodRecord) return z.safeParse(schema._zod.def.keyType, key).success ? placeOf(schema._zod.def.valueType) : null
  if (schema instanceof core.$ZodArray) return /^\d{1,6}$/.test(key) ? placeOf(schema._zod.def.element) : null
  return null
}

/** The names that the schema fixes at a place. */
export function keysOf(place: Place): readonly string[] {
  return place.schema instanceof core.$ZodObject ? Object.keys(place.schema._zod.def.shape) : []
}

export interface FoundPlace {
  readonly segments: readonly string[]
  readonly place: Place
}

/**
 * Follows a dotted path. Names in records may hold dots themselves (`usage.prices.openai:gpt-5.5.inputPerMTok`): the shortest name after which the rest still fits is
 * taken.
 */
export function findPlace(root: Place, path: string): FoundPlace | null {
  const words = path === '' ? [] : path.split('.', 33)
  return words.length > 32 ? null : follow(root, words, [])
}

function follow(place: Place, words: readonly string[], segments: readonly string[]): FoundPlace | null {
  if (words.length === 0) return { segments, place }
  const most = place.schema instanceof core.$ZodRecord ? words.length : 1
  for (let taken = 1; taken <= most; taken++) {
    const key = words.slice(0, taken).join('.')
    const child = childOf(place, key)
    const found = child === null ? null : follow(child, words.slice(taken), [...segments, key])
    if (found !== null) return found
  }
  return null
}

/** How far a path fits: the place where it stops, and the first word that is not known there. */
export function stopOf(root: Place, path: string): { readonly parent: string; readonly place: Place; readonly word: string } {
  const words = path.split('.', 32)
  for (let length = words.length - 1; length > 0; length--) {
    const parent = words.slice(0, length).join('.')
    const found = findPlace(root, parent)
    if (found !== null) return { parent, place: found.place, word: words[length] ?? '' }
  }
  return { parent: '', place: root, word: words[0] ?? '' }
}

export interface KeyListing extends Place {
  /** Records and arrays of objects show as `NAME` and `0`. */
  readonly path: string
}

/** Every key that can be set, in the order of the schema. */
export function listKeys(place: Place, prefix = ''): readonly KeyListing[] {
  const at = (key: string) => (prefix === '' ? key : `${prefix}.${key}`)
  const { schema } = place
  if (schema instanceof core.$ZodObject) return Object.keys(schema._zod.def.shape).flatMap((key) => listChild(childOf(place, key), at(key)))
  if (schema instanceof core.$ZodRecord && expectedBy(placeOf(schema._zod.def.valueType).schema) === 'object')
    return listKeys(placeOf(schema._zod.def.valueType), at('NAME'))
  return [{ ...place, path: prefix }]
}

function listChild(place: Place | null, path: string): readonly KeyListing[] {
  return place === null ? [] : listKeys(place, path)
}

/** Text for a value, read as the schema expects it; whatever does not fit is handed on for the schema to refuse. */
export function readText(text: string, expected: Expected, parse: (text: string) => unknown): JsonValue {
  const attempt = (): JsonValue | undefined => {
    try {
      return z.json().parse(parse(text))
    } catch {
      return undefined
    }
  }
  if (expected === 'string') {
    const quoted = /^(["']).*\1$/s.test(text.trim()) ? attempt() : undefined
    return typeof quoted === 'string' ? quoted : text
  }
  if (expected === 'array' && !text.trim().startsWith('[')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  return attempt() ?? text
}
