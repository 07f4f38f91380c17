/**
 * Requests of the Messages API. Cache marks stand on the last tool, the last system block and the last user turn: three of the four that the API allows.
 * https://platform.claude.com/docs/en/api/messages
 */
import type { JsonObject } from '../../contracts/json.ts'
import type { Message, ReasoningPart } from '../../contracts/message.ts'
import type { ModelRequest, ToolDefinition } from '../../contracts/provider.ts'
import {
  argumentsObject,
  formatInstruction,
  isBlank,
  isForced,
  parametersSchema,
  safeCallId,
  systemTexts,
  toolInstruction,
  turnsOf,
  type Turn,
} from '../wire/turns.ts'
import { claudeTraits, samplingOf, thinkingOf, type ClaudeTraits } from './claude-model.ts'
import { closedSchema } from './closed-schema.ts'

const DEFAULT_MAX_TOKENS = 8192
const CACHED = { cache_control: { type: 'ephemeral' } } as const

/** `author` is how reasoning of this model is signed: `provider:model`. */
export function encodeRequest(request: ModelRequest, author: string): JsonObject {
  const traits = claudeTraits(request.model)
  const maxTokens = request.maxOutputTokens ?? DEFAULT_MAX_TOKENS
  const forced = isForced(request.toolChoice) && request.tools.length > 0
  const { thinking, effort } = thinkingOf(request, traits, { maxTokens, isForced: forced, mayStart: mayThink(request.messages, author) })
  const { temperature, topP } = samplingOf(request, traits, thinking !== undefined)
  const format = formatOf(request, traits)
  const stop = (request.stop ?? []).filter((text) => !isBlank(text))
  return {
    model: request.model,
    max_tokens: maxTokens,
    stream: true,
    ...systemOf(request, traits),
    messages: turnsOf(request.messages, (message) => blocksOf(message, author)).map(writeTurn),
    ...toolsOf(request, traits),
    ...(thinking === undefined ? {} : { thinking }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(format === null && effort === undefined
      ? {}
      : { output_config: { ...(effort === undefined ? {} : { effort }), ...(format === null ? {} : { format }) } }),
  }
}

/** Where a turn is under way, its first answer must begin with reasoning that can be shown again. */
export function mayThink(messages: readonly Message[], author: string): boolean {
  const begun = messages.slice(messages.findLastIndex((message) => message.role === 'user') + 1).find((message) => message.role === 'assistant')
  const first = begun?.parts[0]
  return begun === undefined || (first?.type === 'reasoning' && isReplayable(first, author))
}

/** Only the model that wrote it accepts its reasoning, and only with its signature. */
export function isReplayable(part: ReasoningPart, author: string): part is ReasoningPart & { readonly signature: string } {
  return part.model === author && part.signature !== undefined
}

function systemOf(request: ModelRequest, traits: ClaudeTraits): { readonly system?: readonly JsonObject[] } {
  const instruction = formatOf(request, traits) === null ? formatInstruction(request.responseFormat) : null
  const isInstructed = !traits.forcedTools && isForced(request.toolChoice) && request.tools.length > 0
  const choice = isInstructed && request.toolChoice !== undefined ? toolInstruction(request.toolChoice) : null
  const texts = [...systemTexts(request), instruction, choice].filter((text) => text !== null)
  return texts.length === 0 ? {} : { system: marked(texts.map((text) => ({ type: 'text', text }))) }
}

function formatOf(request: ModelRequest, traits: ClaudeTraits): JsonObject | null {
  const format = request.responseFormat
  return format?.type === 'json-schema' && traits.structuredOutput ? { type: 'json_schema', schema: closedSchema(format.schema) } : null
}

function toolsOf(request: ModelRequest, traits: ClaudeTraits): JsonObject {
  if (request.tools.length === 0) return {}
  const choice = request.toolChoice ?? 'auto'
  return {
    tools: marked(request.tools.map((tool) => toolOf(tool, traits))),
    ...(choice === 'none' ? { tool_choice: { type: 'none' } } : {}),
    ...(choice === 'required' && traits.forcedTools ? { tool_choice: { type: 'any' } } : {}),
    ...(typeof choice === 'object' && traits.forcedTools ? { tool_choice: { type: 'tool', name: choice.tool } } : {}),
  }
}

function toolOf(tool: ToolDefinition, traits: ClaudeTraits): JsonObject {
  const isStrict = tool.strict === true && traits.structuredOutput
  const schema = parametersSchema(tool.parameters)
  return { name: tool.name, description: tool.description, input_schema: isStrict ? closedSchema(schema) : schema, ...(isStrict ? { strict: true } : {}) }
}

function blocksOf(message: Message, author: string): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return message.parts.flatMap((part) => (part.type === 'text' ? textBlock(part.text) : [imageBlock(part.mediaType, part.data)]))
    case 'tool':
      return message.parts.map((part) => ({
        type: 'tool_result',
        tool_use_id: safeCallId(part.callId),
        ...(isBlank(part.output) ? {} : { content: part.output }),
        ...(part.isError ? { is_error: true } : {}),
      }))
    case 'assistant':
      return message.parts.flatMap((part) => {
        if (part.type === 'text') return textBlock(part.text)
        if (part.type === 'reasoning') return reasoningBlock(part, author)
        return [{ type: 'tool_use', id: safeCallId(part.callId), name: part.tool, input: argumentsObject(part.input) }]
      })
  }
}

function textBlock(text: string): readonly JsonObject[] {
  return isBlank(text) ? [] : [{ type: 'text', text }]
}

function imageBlock(mediaType: string, data: string): JsonObject {
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data } }
}

function reasoningBlock(part: ReasoningPart, author: string): readonly JsonObject[] {
  if (!isReplayable(part, author)) return []
  if (part.redacted === true) return [{ type: 'redacted_thinking', data: part.signature }]
  return [{ type: 'thinking', thinking: part.text, signature: part.signature }]
}

function writeTurn(turn: Turn, index: number, turns: readonly Turn[]): JsonObject {
  const isLastOfUser = index === turns.findLastIndex((other) => other.role === 'user')
  return { role: turn.role, content: isLastOfUser ? marked(turn.blocks) : turn.blocks }
}

/** The blocks with a cache mark on the last of them. */
function marked(blocks: readonly JsonObject[]): readonly JsonObject[] {
  return blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, ...CACHED } : block))
}
