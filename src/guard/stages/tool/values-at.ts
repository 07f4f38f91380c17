import type { JsonValue } from '../../../contracts/json.ts'

/** The values at a dotted path; arrays on the way are walked, absent members give nothing. */
export function valuesAt(value: JsonValue | undefined, path: readonly string[]): readonly JsonValue[] {
  if (value === undefined) return []
  if (isArray(value)) return value.flatMap((element) => valuesAt(element, path))
  const [name, ...rest] = path
  if (name === undefined) return [value]
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return []
  return valuesAt(value[name], rest)
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
