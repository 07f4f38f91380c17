/** What a model is told of a tool: only what helps it to call, for every word is paid for in every request. */
import * as z from 'zod'
import type { JsonObject } from '../contracts/json.ts'
import type { ToolDefinition } from '../contracts/provider.ts'
import type { AnyTool } from '../contracts/tool.ts'

const definitions = new WeakMap<AnyTool, ToolDefinition>()
const jsonObject = z.record(z.string(), z.json())
/** The schema checks these when the call comes; a model does not need to know. */
const UNSAID = new Set(['$schema', 'additionalProperties', 'minLength', 'maxLength', 'default'])

export function toolDefinition(tool: AnyTool): ToolDefinition {
  const known = definitions.get(tool)
  if (known !== undefined) return known
  const schema = jsonObject.parse(z.toJSONSchema(tool.input, { io: 'input', unrepresentable: 'any' }))
  const definition = { name: tool.name, description: tool.description, parameters: trim(schema) }
  definitions.set(tool, definition)
  return definition
}

function trim(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !UNSAID.has(key) && !(key === 'maximum' && value === Number.MAX_SAFE_INTEGER))
      .map(([key, value]) => [key, key === 'properties' && isObject(value) ? trimAll(value) : isObject(value) ? trim(value) : value]),
  )
}

/** Names of arguments are no keywords, whatever they are called. */
function trimAll(properties: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, isObject(value) ? trim(value) : value]))
}

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
