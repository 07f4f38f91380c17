/** How conversations are laid out for vendors whose roles must alternate and whose system text stands apart. */
import type { JsonObject, JsonValue } from '../../contracts/json.ts'
import { textOf, type Message } from '../../contracts/message.ts'
import type { ModelRequest, ResponseFormat, ToolChoice } from '../../contracts/provider.ts'

export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly blocks: readonly JsonObject[]
}

/** Neighbours of one role become one turn (tool results count as the user's); what writes to nothing is left out. */
export function turnsOf(messages: readonly Message[], write: (message: Message) => readonly JsonObject[]): readonly Turn[] {
  const turns: { role: Turn['role']; blocks: JsonObject[] }[] = []
  for (const message of messages) {
    const blocks = message.role === 'system' ? [] : write(message)
    if (blocks.length === 0) continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.blocks.push(...blocks)
    else turns.push({ role, blocks: [...blocks] })
  }
  return turns
}

/** Our own system prompt, then those of a client's context. */
export function systemTexts(request: ModelRequest): readonly string[] {
  return [request.system, ...request.messages.filter((message) => message.role === 'system').map(textOf)].filter((text) => !isBlank(text))
}

/** Vendors refuse text blocks without a visible character. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** An id that every vendor accepts: another one may have given it. */
export function safeCallId(callId: string): string {
  return callId.replaceAll(/[^\w-]/g, '_').slice(0, 64)
}

/** Vendors want an object as arguments, also for a call whose text was not JSON. */
export function argumentsObject(input: JsonValue): JsonObject {
  return isObject(input) ? input : {}
}

/** A tool's parameters as a JSON Schema of an object, without the dialect mark that only costs tokens. */
export function parametersSchema(parameters: JsonObject): JsonObject {
  const { $schema: _, ...schema } = parameters
  return { type: 'object', ...schema }
}

export function isForced(choice: ToolChoice | undefined): boolean {
  return choice === 'required' || typeof choice === 'object'
}

/** The system text that stands in for a forced tool choice where the model does not accept one. */
export function toolInstruction(choice: ToolChoice): string {
  return typeof choice === 'object' ? `Answer by calling the tool \`${choice.tool}\`.` : 'Answer by calling one of the tools.'
}

/** The system text that stands in for a structured answer where the model cannot be held to one. */
export function formatInstruction(format: ResponseFormat | undefined): string | null {
  if (format === undefined || format.type === 'text') return null
  const plain = 'Answer with one JSON object and nothing else: no explanation, no code fence.'
  return format.type === 'json' ? plain : `${plain} It must follow this JSON Schema:\n${JSON.stringify(format.schema)}`
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
