/** A request's body as JSON text. Tools are its largest part and the same in every request of a conversation: each is written once. */
import type { JsonObject, JsonValue } from '../../contracts/json.ts'

const written = new WeakMap<JsonObject, string>()

export function writeBody(body: JsonObject): string {
  const { tools, ...rest } = body
  if (!isList(tools) || tools.length === 0) return JSON.stringify(body)
  const head = JSON.stringify(rest)
  return `${head.slice(0, -1)}${head === '{}' ? '' : ','}"tools":[${tools.map(writeTool).join(',')}]}`
}

function writeTool(tool: JsonValue): string {
  if (tool === null || typeof tool !== 'object' || isList(tool)) return JSON.stringify(tool)
  const known = written.get(tool)
  if (known !== undefined) return known
  const text = JSON.stringify(tool)
  written.set(tool, text)
  return text
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}
