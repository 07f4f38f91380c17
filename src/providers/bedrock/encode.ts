/** Requests of `ConverseStream`. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html */
import type { JsonObject } from '../../contracts/json.ts'
import type { ModelRequest, ToolDefinition } from '../../contracts/provider.ts'
import { samplingOf, thinkingOf } from '../anthropic/claude-model.ts'
import { closedSchema } from '../anthropic/closed-schema.ts'
import { mayThink } from '../anthropic/encode.ts'
import { formatInstruction, isBlank, isForced, parametersSchema, systemTexts, toolInstruction } from '../wire/turns.ts'
import { bedrockTraits, type BedrockTraits } from './bedrock-model.ts'
import { CACHE_POINT, messagesOf } from './encode-messages.ts'

const DEFAULT_MAX_TOKENS = 8192

export interface EncodeOptions {
  /** How reasoning of this model is signed: `provider:model`. */
  readonly author: string
  readonly promptCaching: boolean
}

export function encodeRequest(request: ModelRequest, options: EncodeOptions): JsonObject {
  const traits = bedrockTraits(request.model)
  const isCached = options.promptCaching && traits.cacheMessages
  const tools = toolsOf(request)
  const reasoning = reasoningOf(request, traits, options.author)
  const additional = Object.keys(reasoning.fields).length === 0 ? {} : { additionalModelRequestFields: reasoning.fields }
  return {
    messages: messagesOf(request, traits, options.author, isCached),
    ...systemOf(request, traits, isCached),
    ...inferenceOf(request, traits, reasoning),
    ...(tools.length === 0 ? {} : { toolConfig: toolConfigOf(request, tools, traits, options.promptCaching && traits.cacheTools) }),
    ...additional,
    ...outputOf(request, traits),
  }
}

function systemOf(request: ModelRequest, traits: BedrockTraits, isCached: boolean): JsonObject {
  const texts = [
    ...systemTexts(request),
    isHeldToSchema(request, traits) ? null : formatInstruction(request.responseFormat),
    choiceInstruction(request, traits),
  ]
  const system = texts.filter((text) => text !== null).map((text) => ({ text }))
  return system.length === 0 ? {} : { system: isCached ? [...system, CACHE_POINT] : system }
}

/** Converse knows no way to forbid tools that the conversation has already used, and some models none to force one: then words must do. */
function choiceInstruction(request: ModelRequest, traits: BedrockTraits): string | null {
  const choice = request.toolChoice ?? 'auto'
  if (choice === 'none') return toolsOf(request).length === 0 ? null : 'Do not call any tool in this answer.'
  return isForced(choice) && request.tools.length > 0 && !traits.claude.forcedTools ? toolInstruction(choice) : null
}

interface Reasoning {
  readonly fields: JsonObject
  /** The model reasons, so it chooses its own sampling. */
  readonly isOn: boolean
  /** Its reasoning may take all it wants: a limit is refused. */
  readonly isUnlimited: boolean
}

const OFF: Reasoning = { fields: {}, isOn: false, isUnlimited: false }

function reasoningOf(request: ModelRequest, traits: BedrockTraits, author: string): Reasoning {
  const level = request.reasoningEffort
  if (level === undefined || traits.reasoning === 'none') return OFF
  if (traits.reasoning === 'openai') return { ...OFF, fields: { reasoning_effort: level } }
  if (traits.reasoning === 'nova') {
    const isHigh = level === 'high'
    return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } }, isOn: isHigh, isUnlimited: isHigh }
  }
  const { thinking, effort } = thinkingOf(
    request,
    { ...traits.claude, bindsReasoning: false },
    {
      maxTokens: request.maxOutputTokens ?? DEFAULT_MAX_TOKENS,
      isForced: isForced(request.toolChoice) && request.tools.length > 0,
      mayStart: mayThink(request.messages, author),
    },
  )
  if (thinking === undefined) return OFF
  return { fields: { thinking, ...(effort === undefined ? {} : { output_config: { effort } }) }, isOn: true, isUnlimited: false }
}

function inferenceOf(request: ModelRequest, traits: BedrockTraits, reasoning: Reasoning): JsonObject {
  const sampling = samplingOf(request, traits.claude, reasoning.isOn)
  const stopSequences = (request.stop ?? []).filter((text) => !isBlank(text))
  // Without a limit a budget for reasoning could not be checked against it.
  const maxTokens = request.maxOutputTokens ?? (reasoning.isOn ? DEFAULT_MAX_TOKENS : undefined)
  const inferenceConfig = {
    ...(maxTokens === undefined || reasoning.isUnlimited ? {} : { maxTokens }),
    ...sampling,
    ...(stopSequences.length === 0 ? {} : { stopSequences }),
  }
  return Object.keys(inferenceConfig).length === 0 ? {} : { inferenceConfig }
}

/** The tools on offer, and in any case those that the conversation has used: Converse refuses calls of tools that it was not told of. */
function toolsOf(request: ModelRequest): readonly ToolDefinition[] {
  const used = request.messages.flatMap((message) => (message.role === 'assistant' ? message.parts : [])).filter((part) => part.type === 'tool-call')
  const offered = request.toolChoice === 'none' && used.length === 0 ? [] : request.tools
  const known = new Set(offered.map((tool) => tool.name))
  const missing = [...new Set(used.map((part) => part.tool))].filter((name) => !known.has(name))
  return [...offered, ...missing.map((name) => ({ name, description: 'Used earlier; not available any more.', parameters: {} }))]
}

function toolConfigOf(request: ModelRequest, tools: readonly ToolDefinition[], traits: BedrockTraits, isCached: boolean): JsonObject {
  const choice = request.toolChoice ?? 'auto'
  const specs: readonly JsonObject[] = tools.map((tool) => toolSpec(tool, traits))
  const isSent = traits.claude.forcedTools && isForced(choice) && request.tools.length > 0
  return {
    tools: isCached ? [...specs, CACHE_POINT] : specs,
    ...(isSent ? { toolChoice: typeof choice === 'object' ? { tool: { name: choice.tool } } : { any: {} } } : {}),
  }
}

function toolSpec(tool: ToolDefinition, traits: BedrockTraits): JsonObject {
  const isStrict = tool.strict === true && traits.claude.structuredOutput
  const schema = parametersSchema(tool.parameters)
  return {
    toolSpec: {
      name: tool.name,
      description: tool.description,
      inputSchema: { json: isStrict ? closedSchema(schema) : schema },
      ...(isStrict ? { strict: true } : {}),
    },
  }
}

function isHeldToSchema(request: ModelRequest, traits: BedrockTraits): boolean {
  return request.responseFormat?.type === 'json-schema' && traits.claude.structuredOutput
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html */
function outputOf(request: ModelRequest, traits: BedrockTraits): JsonObject {
  const format = request.responseFormat
  if (format?.type !== 'json-schema' || !isHeldToSchema(request, traits)) return {}
  const jsonSchema = { name: format.name, schema: JSON.stringify(closedSchema(format.schema)) }
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } }
}
