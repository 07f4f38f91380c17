/** What both OpenAI-compatible routes read alike. */
import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { JsonObject, JsonValue } from '../../contracts/json.ts'
import type { AssistantPart, ImagePart, Message, TextPart, ToolCallPart, ToolResultPart } from '../../contracts/message.ts'
import { OWNER } from '../../contracts/origin.ts'
import type { InboundMessage, TurnOptions } from '../../contracts/turn.ts'
import { InvalidParameter } from '../respond.ts'

const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/i
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const SESSION_KEY = /^[\x21-\x7e]{1,256}$/
const MODEL_ALIASES = new Set(['carapace', 'default', ''])

/** An object out of `JSON.parse`, whose members are JSON by construction. */
export const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'expected an object')

export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues[0])
  const param = issue.path.join('.')
  throw new InvalidParameter(param, param === '' ? issue.message : `${param}: ${issue.message}`)
}

interface Finding {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Inside a union the issue of the branch that came furthest says most. */
function deepest(issue: z.core.$ZodIssue | undefined): Finding {
  if (issue === undefined) return { path: [], message: 'not valid' }
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const inner = issue.errors.map((branch) => deepest(branch[0])).reduce((best, next) => (next.path.length > best.path.length ? next : best))
  return { path: [...issue.path, ...inner.path], message: inner.path.length === 0 ? issue.message : inner.message }
}

/** Refuses what we cannot do instead of leaving it out in silence. */
export function unsupported(param: string, why = 'is not supported'): never {
  throw new InvalidParameter(param, `${param} ${why}`)
}

export function ownerText(text: string): TextPart {
  return { type: 'text', text, origin: OWNER }
}

/** The client says that a model wrote this; what it was made of is in the same context, with its own origin. */
export function modelText(text: string): TextPart {
  return { type: 'text', text, origin: { author: { kind: 'model', name: 'client' }, trust: 'trusted', private: false } }
}

export function ownerImage(url: string, param: string): ImagePart {
  const match = DATA_URL.exec(url)
  if (match === null) unsupported(param, 'must be a data: URL with base64 (addresses are not fetched)')
  const mediaType = (match[1] ?? '').toLowerCase()
  if (!IMAGE_TYPES.includes(mediaType)) unsupported(param, `must be one of ${IMAGE_TYPES.join(', ')}`)
  const data = url.slice(match[0].length)
  if (data.length % 4 !== 0 || !BASE64.test(data)) unsupported(param, 'is not base64')
  return { type: 'image', mediaType, data, origin: OWNER }
}

export function clientToolCall(callId: string, tool: string, text: string): ToolCallPart {
  const input = parseJson(text.trim() === '' ? '{}' : text)
  return input === undefined ? { type: 'tool-call', callId, tool, input: null, invalidInput: text } : { type: 'tool-call', callId, tool, input }
}

function parseJson(text: string): JsonValue | undefined {
  try {
    const value: JsonValue = z.json().parse(JSON.parse(text))
    return value
  } catch {
    return undefined
  }
}

/** Adds what a tool of the client returned; anybody may have written it. Results that follow one another are one message. */
export function addToolResult(messages: Message[], callId: string, output: string, param: string): void {
  const tool = nameOfCall(callId, messages)
  if (tool === null) unsupported(param, 'answers no tool call of an earlier assistant message')
  const part: ToolResultPart = {
    type: 'tool-result',
    callId,
    tool,
    output,
    isError: false,
    origin: { author: { kind: 'tool', name: tool }, trust: 'untrusted', private: false },
  }
  const last = messages.at(-1)
  if (last?.role === 'tool') messages[messages.length - 1] = { role: 'tool', parts: [...last.parts, part] }
  else messages.push({ role: 'tool', parts: [part] })
}

function nameOfCall(callId: string, messages: readonly Message[]): string | null {
  for (let index = messages.length - 1; index >= 0; index--) {
    const parts: readonly (AssistantPart | ToolResultPart | ImagePart)[] = messages[index]?.parts ?? []
    for (const part of parts) if (part.type === 'tool-call' && part.callId === callId) return part.tool
  }
  return null
}

export function modelOption(model: string | null | undefined): { readonly model?: string } {
  return model === null || model === undefined || MODEL_ALIASES.has(model) ? {} : { model }
}

export function effortOption(effort: string | null | undefined, param: string): { readonly reasoningEffort?: 'low' | 'medium' | 'high' } {
  if (effort === null || effort === undefined) return {}
  if (effort === 'low' || effort === 'medium' || effort === 'high') return { reasoningEffort: effort }
  if (effort === 'minimal') return { reasoningEffort: 'low' }
  if (effort === 'xhigh') return { reasoningEffort: 'high' }
  return unsupported(param, 'must be minimal, low, medium, high or xhigh')
}

/**
 * The conversation as a message for intake. The last user message is what is asked; everything before it is context. When tool results come last, nothing new is asked:
 * `parts` is empty and the context ends with the results. A stored session remembers for itself: of the request it takes what came after the last answer, and no
 * instructions.
 */
export function toInbound(messages: readonly Message[], options: TurnOptions, headers: RequestHeaders, param: string): InboundMessage {
  const sessionKey = headers['x-carapace-session'] ?? null
  if (sessionKey !== null && !SESSION_KEY.test(sessionKey)) unsupported('x-carapace-session', 'must be 1 to 256 visible ASCII characters')
  const idempotencyKey = headers['idempotency-key']
  if (idempotencyKey !== undefined && !SESSION_KEY.test(idempotencyKey)) unsupported('idempotency-key', 'must be 1 to 256 visible ASCII characters')
  const last = messages.findLastIndex((message) => message.role !== 'system')
  const asked = messages[last]
  if (asked === undefined || asked.role === 'assistant') throw new InvalidParameter(param, `Missing user message in \`${param}\`.`)
  const isUser = asked.role === 'user'
  if (asked.parts.length === 0) throw new InvalidParameter(param, 'the last message is empty')
  const earlier = isUser ? messages.toSpliced(last, 1) : messages
  const context = sessionKey === null ? earlier : afterAnswer(earlier)
  return {
    door: 'openai',
    sender: OWNER.author,
    sessionKey,
    parts: isUser ? asked.parts : [],
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    options: { ...options, ...(context.length === 0 ? {} : { context }) },
  }
}

function afterAnswer(messages: readonly Message[]): readonly Message[] {
  return messages.slice(messages.findLastIndex((message) => message.role === 'assistant') + 1).filter((message) => message.role !== 'system')
}

/** Lower-case names; of a repeated header the values are joined. */
export type RequestHeaders = Readonly<Record<'x-carapace-session' | 'idempotency-key', string | undefined>>

export function readHeaders(headers: NodeJS.Dict<string | string[]>): RequestHeaders {
  return { 'x-carapace-session': single(headers, 'x-carapace-session'), 'idempotency-key': single(headers, 'idempotency-key') }
}

function single(headers: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = headers[name]
  if (Array.isArray(value)) throw new AppError('request/invalid', `${name} is repeated`)
  return value
}
