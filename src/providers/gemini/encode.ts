/** Requests of `streamGenerateContent`. https://ai.google.dev/api/generate-content */
import type { JsonObject, JsonValue } from '../../contracts/json.ts'
import type { Message, ToolCallPart } from '../../contracts/message.ts'
import type { ModelRequest, ToolChoice } from '../../contracts/provider.ts'
import { argumentsObject, formatInstruction, isBlank, isForced, parametersSchema, systemTexts, turnsOf } from '../wire/turns.ts'
import { geminiTraits, thinkingConfigOf, type GeminiTraits } from './gemini-model.ts'

/** Begins ids that we gave because the vendor gave none: they stay here. */
export const OWN_CALL_ID = 'gemini'
export const MAX_SIGNATURE = 64 * 1024

/** What the vendor documents for calls that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures */
const NO_SIGNATURE = 'skip_thought_signature_validator'

export function encodeRequest(request: ModelRequest): JsonObject {
  const traits = geminiTraits(request.model)
  const isNativeJson = request.tools.length === 0 || (traits.jsonWithTools && !isForced(request.toolChoice))
  const generationConfig = { ...samplingOf(request), ...(isNativeJson ? jsonOf(request) : {}), ...thinkingOf(request, traits) }
  const instruction = isNativeJson ? null : formatInstruction(request.responseFormat)
  const system = [...systemTexts(request), instruction].filter((text) => text !== null)
  return {
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system.map((text) => ({ text })) } }),
    contents: turnsOf(request.messages, (message) => partsOf(message, traits)).map((turn) => ({
      role: turn.role === 'assistant' ? 'model' : 'user',
      parts: turn.blocks,
    })),
    ...toolsOf(request),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
  }
}

function samplingOf(request: ModelRequest): JsonObject {
  return {
    ...(request.maxOutputTokens === undefined ? {} : { maxOutputTokens: request.maxOutputTokens }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined ? {} : { topP: request.topP }),
    ...(request.stop === undefined || request.stop.length === 0 ? {} : { stopSequences: request.stop }),
  }
}

function jsonOf(request: ModelRequest): JsonObject {
  const format = request.responseFormat
  if (format === undefined || format.type === 'text') return {}
  return { responseMimeType: 'application/json', ...(format.type === 'json-schema' ? { responseJsonSchema: format.schema } : {}) }
}

function thinkingOf(request: ModelRequest, traits: GeminiTraits): JsonObject {
  const thinkingConfig = thinkingConfigOf(request, traits)
  return thinkingConfig === null ? {} : { thinkingConfig }
}

function toolsOf(request: ModelRequest): JsonObject {
  if (request.tools.length === 0) return {}
  const functionDeclarations = request.tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    parametersJsonSchema: parametersSchema(tool.parameters),
  }))
  const functionCallingConfig = callingConfig(request.toolChoice ?? 'auto')
  return { tools: [{ functionDeclarations }], ...(functionCallingConfig === null ? {} : { toolConfig: { functionCallingConfig } }) }
}

function callingConfig(choice: ToolChoice): JsonObject | null {
  if (choice === 'auto') return null
  if (choice === 'none') return { mode: 'NONE' }
  return choice === 'required' ? { mode: 'ANY' } : { mode: 'ANY', allowedFunctionNames: [choice.tool] }
}

function partsOf(message: Message, traits: GeminiTraits): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return message.parts.flatMap((part): readonly JsonObject[] =>
        part.type === 'text' ? textPart(part.text) : [{ inlineData: { mimeType: part.mediaType, data: part.data } }],
      )
    case 'tool':
      return message.parts.map((part) => ({
        functionResponse: { ...vendorId(part.callId), name: part.tool, response: part.isError ? { error: part.output } : { result: part.output } },
      }))
    case 'assistant': {
      const calls = message.parts.filter((part) => part.type === 'tool-call')
      // A signature belongs to the first call of a batch; the others may go without.
      const first = traits.needsSignatures && !calls.some((call) => signatureOf(call) !== undefined) ? calls[0] : undefined
      return message.parts.flatMap((part): readonly JsonObject[] => {
        if (part.type === 'text') return textPart(part.text)
        // Summaries of thoughts are for people: the signature on the call is what the model goes on from.
        return part.type === 'reasoning' ? [] : [callPart(part, part === first ? NO_SIGNATURE : signatureOf(part))]
      })
    }
  }
}

function callPart(part: ToolCallPart, thoughtSignature: string | undefined): JsonObject {
  const functionCall: Record<string, JsonValue> = { ...vendorId(part.callId), name: part.tool, args: argumentsObject(part.input) }
  return { functionCall, ...(thoughtSignature === undefined ? {} : { thoughtSignature }) }
}

function signatureOf(part: ToolCallPart): string | undefined {
  return part.signature !== undefined && part.signature.length <= MAX_SIGNATURE ? part.signature : undefined
}

function vendorId(callId: string): { readonly id?: string } {
  return callId.startsWith(`${OWN_CALL_ID}_`) ? {} : { id: callId }
}

function textPart(text: string): readonly JsonObject[] {
  return isBlank(text) ? [] : [{ text }]
}
