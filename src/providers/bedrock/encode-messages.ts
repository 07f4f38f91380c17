/** Messages of the Converse API. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html */
import type { JsonObject } from '../../contracts/json.ts'
import type { Message, ReasoningPart, ToolResultPart } from '../../contracts/message.ts'
import type { ModelRequest } from '../../contracts/provider.ts'
import { isReplayable } from '../anthropic/encode.ts'
import { argumentsObject, isBlank, safeCallId, turnsOf } from '../wire/turns.ts'
import type { BedrockTraits } from './bedrock-model.ts'

export const CACHE_POINT: JsonObject = { cachePoint: { type: 'default' } }

export function messagesOf(request: ModelRequest, traits: BedrockTraits, author: string, isCached: boolean): readonly JsonObject[] {
  const turns = turnsOf(request.messages, (message) => blocksOf(message, traits, author))
  const lastOfUser = turns.findLastIndex((turn) => turn.role === 'user')
  return turns.map(({ role, blocks }, index) => ({ role, content: isCached && index === lastOfUser ? [...blocks, CACHE_POINT] : blocks }))
}

function blocksOf(message: Message, traits: BedrockTraits, author: string): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return message.parts.flatMap((part) => (part.type === 'text' ? textBlock(part.text) : [imageBlock(part.mediaType, part.data)]))
    case 'tool':
      return message.parts.map((part) => resultBlock(part, traits))
    case 'assistant':
      return message.parts.flatMap((part) => {
        if (part.type === 'text') return textBlock(part.text)
        if (part.type === 'reasoning') return reasoningBlock(part, traits, author)
        return [{ toolUse: { toolUseId: safeCallId(part.callId), name: part.tool, input: argumentsObject(part.input) } }]
      })
  }
}

function textBlock(text: string): readonly JsonObject[] {
  return isBlank(text) ? [] : [{ text }]
}

function imageBlock(mediaType: string, bytes: string): JsonObject {
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1).toLowerCase()
  return { image: { format: subtype === 'jpg' ? 'jpeg' : subtype, source: { bytes } } }
}

function resultBlock(part: ToolResultPart, traits: BedrockTraits): JsonObject {
  const text = isBlank(part.output) ? '(no output)' : part.output
  const plain = part.isError && !traits.resultStatus ? `Error: ${text}` : text
  const status = traits.resultStatus ? { status: part.isError ? 'error' : 'success' } : {}
  return { toolResult: { toolUseId: safeCallId(part.callId), content: [{ text: plain }], ...status } }
}

function reasoningBlock(part: ReasoningPart, traits: BedrockTraits, author: string): readonly JsonObject[] {
  // Nothing here can ask for reasoning to be left out where it no longer fits; without all of it the request is sound in any case.
  if (traits.claude.bindsReasoning || !isReplayable(part, author)) return []
  if (part.redacted === true) return [{ reasoningContent: { redactedContent: part.signature } }]
  return [{ reasoningContent: { reasoningText: { text: part.text, signature: part.signature } } }]
}
