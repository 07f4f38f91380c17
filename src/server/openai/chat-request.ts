/** A Chat Completions request, and the message for intake that it means. Unknown members are harmless and ignored; what we cannot honour is refused by name. */
import * as z from 'zod'
import type { AssistantPart, Message, TextPart, UserPart } from '../../contracts/message.ts'
import type { InboundMessage, TurnOptions } from '../../contracts/turn.ts'
import { nestedChoice, nestedTools, plainFormats, readShared, schemaFormat, sharedMembers } from './options.ts'
import {
  clientToolCall,
  addToolResult,
  effortOption,
  jsonObject,
  modelText,
  ownerImage,
  ownerText,
  parseBody,
  toInbound,
  unsupported,
  type RequestHeaders,
} from './parse.ts'

const textPart = z.object({ type: z.literal('text'), text: z.string() })
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() })
const imagePart = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) })
const otherPart = z.object({ type: z.enum(['input_audio', 'file']) })
const textContent = z.union([z.string(), z.array(textPart)])

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: textContent }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart, otherPart]))]) }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, refusalPart]))]).nullish(),
    tool_calls: z
      .array(
        z.object({
          id: z.string().min(1).max(256),
          type: z.literal('function').optional(),
          function: z.object({ name: z.string().min(1).max(128), arguments: z.string() }),
        }),
      )
      .nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string().min(1).max(256), content: textContent }),
])

const chatRequest = z.object({
  ...sharedMembers,
  messages: z.array(message).min(1),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  response_format: z.discriminatedUnion('type', [...plainFormats, z.object({ type: z.literal('json_schema'), json_schema: schemaFormat })]).nullish(),
  tools: nestedTools,
  tool_choice: nestedChoice,
  reasoning_effort: z.string().nullish(),
  n: z.int().nullish(),
  logprobs: z.boolean().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  logit_bias: jsonObject.nullish(),
  modalities: z.array(z.string()).nullish(),
  audio: z.unknown().optional(),
  functions: z.unknown().optional(),
  function_call: z.unknown().optional(),
  web_search_options: z.unknown().optional(),
})
type ChatRequest = z.infer<typeof chatRequest>

export interface ChatCall {
  readonly message: InboundMessage
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** Throws `request/invalid` that names the member. */
export function readChatRequest(body: unknown, headers: RequestHeaders): ChatCall {
  const request = parseBody(chatRequest, body)
  refuseUnsupported(request)
  const messages: Message[] = []
  for (const [index, entry] of request.messages.entries()) addMessage(messages, entry, `messages.${index}`)
  return {
    message: toInbound(messages, readOptions(request), headers, 'messages'),
    stream: request.stream === true,
    includeUsage: request.stream_options?.include_usage === true,
  }
}

function refuseUnsupported(request: ChatRequest): void {
  if ((request.n ?? 1) !== 1) unsupported('n', 'must be 1')
  if (request.logprobs === true) unsupported('logprobs')
  if ((request.top_logprobs ?? 0) > 0) unsupported('top_logprobs')
  if ((request.frequency_penalty ?? 0) !== 0) unsupported('frequency_penalty')
  if ((request.presence_penalty ?? 0) !== 0) unsupported('presence_penalty')
  if (Object.keys(request.logit_bias ?? {}).length > 0) unsupported('logit_bias')
  if (request.parallel_tool_calls === false) unsupported('parallel_tool_calls', 'cannot be switched off')
  if (request.modalities?.some((kind) => kind !== 'text') === true) unsupported('modalities', 'must be ["text"]')
  for (const name of ['audio', 'functions', 'function_call', 'web_search_options'] as const) {
    if (request[name] !== undefined && request[name] !== null) unsupported(name)
  }
}

function readOptions(request: ChatRequest): TurnOptions {
  const { stop, tools, response_format: format, tool_choice: choice } = request
  return {
    ...readShared(request, {
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens,
      format: format?.type === 'json_schema' ? { type: format.type, ...format.json_schema } : format,
      tools: tools?.map((tool) => tool.function),
      choice: typeof choice === 'object' && choice !== null ? { type: choice.type, name: choice.function.name } : choice,
    }),
    ...(typeof stop === 'string' ? { stop: [stop] } : Array.isArray(stop) && stop.length > 0 ? { stop } : {}),
    ...effortOption(request.reasoning_effort, 'reasoning_effort'),
  }
}

function addMessage(messages: Message[], entry: ChatRequest['messages'][number], param: string): void {
  switch (entry.role) {
    case 'system':
    case 'developer':
      messages.push({ role: 'system', parts: readTexts(entry.content) })
      return
    case 'user':
      messages.push({
        role: 'user',
        parts: typeof entry.content === 'string' ? [ownerText(entry.content)] : entry.content.map((part, at) => readUserPart(part, `${param}.content.${at}`)),
      })
      return
    case 'assistant': {
      const text: readonly AssistantPart[] = readAssistantText(entry.content)
      const calls = entry.tool_calls?.map((call) => clientToolCall(call.id, call.function.name, call.function.arguments)) ?? []
      if (text.length + calls.length > 0) messages.push({ role: 'assistant', parts: [...text, ...calls] })
      return
    }
    case 'tool': {
      const output = readTexts(entry.content).reduce((all, part) => all + part.text, '')
      addToolResult(messages, entry.tool_call_id, output, `${param}.tool_call_id`)
      return
    }
    default:
      entry satisfies never
  }
}

function readTexts(content: string | readonly { readonly text: string }[]): readonly TextPart[] {
  return typeof content === 'string' ? [ownerText(content)] : content.map(({ text }) => ownerText(text))
}

function readUserPart(part: z.infer<typeof textPart> | z.infer<typeof imagePart> | z.infer<typeof otherPart>, param: string): UserPart {
  if (part.type === 'text') return ownerText(part.text)
  if (part.type === 'image_url') return ownerImage(part.image_url.url, `${param}.image_url.url`)
  return unsupported(`${param}.type`, `${part.type} is not supported`)
}

function readAssistantText(content: string | readonly (z.infer<typeof textPart> | z.infer<typeof refusalPart>)[] | null | undefined): readonly TextPart[] {
  if (content === null || content === undefined || content === '') return []
  return typeof content === 'string' ? [modelText(content)] : content.map((part) => modelText(part.type === 'text' ? part.text : part.refusal))
}
