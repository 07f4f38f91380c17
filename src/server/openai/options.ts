/** Options that both OpenAI-compatible routes name and mean alike. */
import * as z from 'zod'
import type { ResponseFormat, ToolDefinition } from '../../contracts/provider.ts'
import type { TurnOptions } from '../../contracts/turn.ts'
import { jsonObject, modelOption } from './parse.ts'

const strict = z.boolean().nullish()
export const schemaFormat = z.object({ name: z.string().max(64), schema: jsonObject, strict })
export const plainFormats = [z.object({ type: z.literal('text') }), z.object({ type: z.literal('json_object') })] as const

const FUNCTION = z.literal('function', 'only function tools are supported')
const MAX_TOOLS = 128
const tool = z.object({ name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), description: z.string().nullish(), parameters: jsonObject.nullish(), strict })
export const flatTools = z
  .array(tool.extend({ type: FUNCTION }))
  .max(MAX_TOOLS)
  .nullish()
export const nestedTools = z
  .array(z.object({ type: FUNCTION, function: tool }))
  .max(MAX_TOOLS)
  .nullish()

const choiceWord = z.enum(['none', 'auto', 'required'])
const name = z.string()
export const flatChoice = z.union([choiceWord, z.object({ type: z.literal('function'), name })]).nullish()
export const nestedChoice = z.union([choiceWord, z.object({ type: z.literal('function'), function: z.object({ name }) })]).nullish()

export const sharedMembers = {
  model: z.string().max(256).nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.int().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
}

interface SharedOptions {
  readonly model?: string | null | undefined
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
}

interface NamedOptions {
  readonly maxOutputTokens: number | null | undefined
  readonly format: z.infer<(typeof plainFormats)[number]> | ({ readonly type: 'json_schema' } & z.infer<typeof schemaFormat>) | null | undefined
  readonly tools: readonly z.infer<typeof tool>[] | null | undefined
  readonly choice: z.infer<typeof flatChoice>
}

/** `named`: what the routes call differently. */
export function readShared({ model, temperature, top_p: topP }: SharedOptions, { maxOutputTokens, format, tools, choice }: NamedOptions): TurnOptions {
  return {
    ...modelOption(model),
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof topP === 'number' ? { topP } : {}),
    ...(typeof maxOutputTokens === 'number' ? { maxOutputTokens } : {}),
    ...(format === null || format === undefined ? {} : { responseFormat: readFormat(format) }),
    ...(tools === null || tools === undefined || tools.length === 0 ? {} : { clientTools: tools.map(readTool) }),
    ...(choice === null || choice === undefined ? {} : { toolChoice: typeof choice === 'string' ? choice : { tool: choice.name } }),
  }
}

function readFormat(format: NonNullable<NamedOptions['format']>): ResponseFormat {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json_object') return { type: 'json' }
  return { type: 'json-schema', name: format.name, schema: format.schema, ...(typeof format.strict === 'boolean' ? { strict: format.strict } : {}) }
}

function readTool({ name, description, parameters, strict }: z.infer<typeof tool>): ToolDefinition {
  return {
    name,
    description: description ?? '',
    parameters: parameters ?? { type: 'object', properties: {} },
    ...(typeof strict === 'boolean' ? { strict } : {}),
  }
}
