/**
 * A JSON Schema as structured outputs take it: every object closed, keywords that the grammar cannot hold left out. What is left out loosens the schema; it never
 * changes what the answer means. https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
import type { JsonObject, JsonValue } from '../../contracts/json.ts'

const KEPT = new Set(['type', 'description', 'title', 'enum', 'const', 'default', 'required', '$ref', 'format'])
const FORMATS = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'])
/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const SCHEMA = new Set(['items'])
const SCHEMA_LIST = new Set(['anyOf', 'allOf', 'oneOf'])
const SCHEMA_MAP = new Set(['properties', '$defs', 'definitions'])

export function closedSchema(schema: JsonObject): JsonObject {
  const closed: Record<string, JsonValue> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'format' ? typeof value === 'string' && FORMATS.has(value) : KEPT.has(keyword)) closed[keyword] = value
    else if (SCHEMA.has(keyword)) closed[keyword] = closedValue(value)
    else if (SCHEMA_LIST.has(keyword) && isList(value)) closed[keyword === 'oneOf' ? 'anyOf' : keyword] = value.map(closedValue)
    else if (SCHEMA_MAP.has(keyword) && isObject(value)) {
      closed[keyword] = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closedValue(member)]))
    }
  }
  if (schema['type'] === 'object' || schema['properties'] !== undefined) closed['additionalProperties'] = false
  return closed
}

function closedValue(value: JsonValue): JsonValue {
  return isObject(value) ? closedSchema(value) : value
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
