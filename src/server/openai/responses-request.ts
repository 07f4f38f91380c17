/** A Responses request, and the message for intake that it means. */
import * as z from 'zod'
import type { AssistantPart, Message } from '../../contracts/message.ts'
import type { InboundMessage, TurnOptions } from '../../contracts/turn.ts'
import { flatChoice, flatTools, plainFormats, readShared, schemaFormat, sharedMembers } from './options.ts'
import {
  clientToolCall,
  addToolResult,
  effortOption,
  modelText,
  ownerImage,
  ownerText,
  parseBody,
  toInbound,
  unsupported,
  type RequestHeaders,
} from './parse.ts'

const inputText = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() })
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() })
const inputImage = z.object({ type: z.literal('input_image'), image_url: z.string().nullish(), file_id: z.string().nullish() })
const otherContent = z.object({ type: z.enum(['input_file', 'input_audio']) })
const content = z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, refusal, inputImage, otherContent]))])

const callId = z.string().min(1).max(256)
const messageItem = z.object({ type: z.literal('message').optional(), role: z.enum(['user', 'assistant', 'system', 'developer']), content })
const callItem = z.object({ type: z.literal('function_call'), call_id: callId, name: z.string().min(1).max(128), arguments: z.string() })
const outputItem = z.object({ type: z.literal('function_call_output'), call_id: callId, output: z.union([z.string(), z.array(inputText)]) })
/** Reasoning of earlier answers: ours holds nothing to replay. */
const reasoningItem = z.object({ type: z.literal('reasoning') })
const item = z.union([messageItem, callItem, outputItem, reasoningItem])

const responsesRequest = z.object({
  ...sharedMembers,
  input: z.union([z.string(), z.array(item).min(1)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  reasoning: z.object({ effort: z.string().nullish() }).nullish(),
  text: z.object({ format: z.discriminatedUnion('type', [...plainFormats, schemaFormat.extend({ type: z.literal('json_schema') })]).nullish() }).nullish(),
  tools: flatTools,
  tool_choice: flatChoice,
  max_tool_calls: z.int().nullish(),
  background: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
})
type ResponsesRequest = z.infer<typeof responsesRequest>

export interface ResponsesCall {
  readonly message: InboundMessage
  readonly stream: boolean
}

/** Throws `request/invalid` that names the member. */
export function readResponsesRequest(body: unknown, headers: RequestHeaders): ResponsesCall {
  const request = parseBody(responsesRequest, body)
  refuseUnsupported(request)
  const messages: Message[] = []
  if (typeof request.instructions === 'string' && request.instructions !== '') messages.push({ role: 'system', parts: [ownerText(request.instructions)] })
  if (typeof request.input === 'string') messages.push({ role: 'user', parts: [ownerText(request.input)] })
  else for (const [index, entry] of request.input.entries()) addItem(messages, entry, `input.${index}`)
  return { message: toInbound(messages, readOptions(request), headers, 'input'), stream: request.stream === true }
}

function refuseUnsupported(request: ResponsesRequest): void {
  if (request.parallel_tool_calls === false) unsupported('parallel_tool_calls', 'cannot be switched off')
  if ((request.top_logprobs ?? 0) > 0) unsupported('top_logprobs')
  if (typeof request.max_tool_calls === 'number') unsupported('max_tool_calls')
  if (request.background === true) unsupported('background')
  if (typeof request.previous_response_id === 'string')
    unsupported('previous_response_id', 'is not supported: send the x-carapace-session header to continue a conversation')
  for (const name of ['conversation', 'prompt'] as const) if (request[name] !== undefined && request[name] !== null) unsupported(name)
}

function readOptions(request: ResponsesRequest): TurnOptions {
  const { max_output_tokens: maxOutputTokens, text, tools, tool_choice: choice } = request
  return { ...readShared(request, { maxOutputTokens, format: text?.format, tools, choice }), ...effortOption(request.reasoning?.effort, 'reasoning.effort') }
}

function addItem(messages: Message[], entry: z.infer<typeof item>, param: string): void {
  if (entry.type === 'reasoning') return
  if (entry.type === 'function_call') return addAssistant(messages, [clientToolCall(entry.call_id, entry.name, entry.arguments)])
  if (entry.type === 'function_call_output') {
    const output = typeof entry.output === 'string' ? entry.output : entry.output.reduce((all, part) => all + part.text, '')
    return addToolResult(messages, entry.call_id, output, `${param}.call_id`)
  }
  const parts = typeof entry.content === 'string' ? [{ type: 'text' as const, text: entry.content }] : entry.content
  if (entry.role === 'assistant')
    return addAssistant(
      messages,
      parts.map((part) => modelText(plainText(part, param))),
    )
  if (entry.role !== 'user') return void messages.push({ role: 'system', parts: parts.map((part) => ownerText(plainText(part, param))) })
  messages.push({
    role: 'user',
    parts: parts.map((part, at) => (part.type === 'input_image' ? readImage(part, `${param}.content.${at}`) : ownerText(plainText(part, param)))),
  })
}

/** Text and calls of one answer come as several items; they are one message. */
function addAssistant(messages: Message[], parts: readonly AssistantPart[]): void {
  const last = messages.at(-1)
  if (last?.role === 'assistant') messages[messages.length - 1] = { role: 'assistant', parts: [...last.parts, ...parts] }
  else messages.push({ role: 'assistant', parts })
}

type ContentPart = z.infer<typeof inputText> | z.infer<typeof refusal> | z.infer<typeof inputImage> | z.infer<typeof otherContent>

function plainText(part: ContentPart, param: string): string {
  if ('text' in part) return part.text
  if ('refusal' in part) return part.refusal
  return unsupported(`${param}.content`, `${part.type} is not supported here`)
}

function readImage(part: z.infer<typeof inputImage>, param: string) {
  return typeof part.image_url === 'string'
    ? ownerImage(part.image_url, `${param}.image_url`)
    : unsupported(`${param}.file_id`, 'is not supported: send image_url as a data: URL')
}
