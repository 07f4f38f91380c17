/** Narrow readers over parsed JSON, for the hot path of streams: no schema object per chunk, no cast, never a throw. */
import type { JsonValue } from '../../contracts/json.ts'

export type Fields = Readonly<Record<string, unknown>>

/** The JSON object in a text, or null for anything else. */
export function parseFields(text: string): Fields | null {
  return fieldsOf(parseJson(text))
}

/** The JSON value in a text, or undefined when it is not JSON. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return toJson(JSON.parse(text))
  } catch {
    return undefined
  }
}

export function fieldsOf(value: unknown): Fields | null {
  return isFields(value) ? value : null
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The text, or the empty string where there is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A whole count of something, or 0. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What `JSON.parse` gives is JSON by definition; this says so to the type checker. */
function toJson(value: JsonValue): JsonValue {
  return value
}
