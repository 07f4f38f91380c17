/** `ModelRequest` → body of `POST /chat/completions`. https://platform.openai.com/docs/api-reference/chat/create */
import type { JsonObject, JsonValue } from '../../../contracts/json.ts'
import type { AssistantPart, Message, ToolCallPart, UserPart } from '../../../contracts/message.ts'
import type { ModelRequest, ResponseFormat, ToolChoice, ToolDefinition } from '../../../contracts/provider.ts'

/** Where servers that speak this protocol differ. */
export interface Dialect {
  readonly tokenLimitField: 'max_tokens' | 'max_completion_tokens'
  /** Sends the conversation's cache key as `prompt_cache_key`. */
  readonly cacheKey: boolean
  /** Members added to every body. */
  readonly extraBody?: JsonObject
}

export function encodeRequest(request: ModelRequest, dialect: Dialect): JsonObject {
  const { tools, temperature, topP, stop, maxOutputTokens, reasoningEffort, cacheKey } = request
  return {
    model: request.model,
    messages: [...(request.system === '' ? [] : [{ role: 'system', content: request.system }]), ...request.messages.flatMap(encodeMessage)],
    ...(tools.length === 0 ? {} : { tools: tools.map(encodeTool), ...encodeChoice(request.toolChoice) }),
    ...(maxOutputTokens === undefined ? {} : { [dialect.tokenLimitField]: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...encodeFormat(request.responseFormat),
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    ...(cacheKey === undefined || !dialect.cacheKey ? {} : { prompt_cache_key: cacheKey }),
    ...dialect.extraBody,
    stream: true,
    stream_options: { include_usage: true },
  }
}

function encodeMessage(message: Message): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.parts.map((part) => part.text).join('\n') }]
    case 'user':
      return [{ role: 'user', content: encodeUser(message.parts) }]
    case 'assistant':
      return [encodeAssistant(message.parts)]
    case 'tool':
      return message.parts.map((part) => ({ role: 'tool', tool_call_id: part.callId, content: part.output }))
  }
}

/** Plain text where that is enough: not every server takes a list of parts. */
function encodeUser(parts: readonly UserPart[]): JsonValue {
  if (parts.every((part) => part.type === 'text')) return parts.map((part) => part.text).join('\n')
  return parts.map((part) =>
    part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${part.data}` } },
  )
}

/** Reasoning is not sent back: this protocol has no member for it, and several servers refuse what they do not know. */
function encodeAssistant(parts: readonly AssistantPart[]): JsonObject {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  const calls = parts.filter((part) => part.type === 'tool-call')
  if (calls.length === 0) return { role: 'assistant', content: text }
  return { role: 'assistant', content: text === '' ? null : text, tool_calls: calls.map(encodeCall) }
}

function encodeCall(call: ToolCallPart): JsonObject {
  // Chat templates parse this text: what is not a JSON object (an empty text, an unfinished one) makes llama.cpp fail the whole request.
  const isObject = typeof call.input === 'object' && call.input !== null && !Array.isArray(call.input)
  return { id: call.callId, type: 'function', function: { name: call.tool, arguments: isObject ? JSON.stringify(call.input) : '{}' } }
}

/** The same object for the same definition: it is written once (`write-body.ts`). */
const encodedTools = new WeakMap<ToolDefinition, JsonObject>()

function encodeTool(tool: ToolDefinition): JsonObject {
  const known = encodedTools.get(tool)
  if (known !== undefined) return known
  const { name, description, parameters, strict } = tool
  const encoded = { type: 'function', function: { name, description, parameters, ...(strict === undefined ? {} : { strict }) } }
  encodedTools.set(tool, encoded)
  return encoded
}

function encodeChoice(choice: ToolChoice | undefined): JsonObject {
  if (choice === undefined) return {}
  return { tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.tool } } }
}

function encodeFormat(format: ResponseFormat | undefined): JsonObject {
  if (format === undefined || format.type === 'text') return {}
  if (format.type === 'json') return { response_format: { type: 'json_object' } }
  const { name, schema, strict } = format
  return { response_format: { type: 'json_schema', json_schema: { name, schema, ...(strict === undefined ? {} : { strict }) } } }
}
