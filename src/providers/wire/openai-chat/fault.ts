/**
 * Sorts what servers of this protocol say when they fail. https://platform.openai.com/docs/guides/error-codes
 * An exhausted account (`insufficient_quota`, 402) counts as `auth`: waiting does not help, another provider or the owner does.
 */
import type { FaultKind, ModelFault } from '../../../contracts/provider.ts'
import { fieldsOf, parseJson, textOf } from '../read-json.ts'

const MAX_PLAIN_TEXT = 300

/** OpenAI, vLLM, llama.cpp ("exceeds the available context size"), Ollama ("exceeds the context length"), LM Studio ("greater than the context length"). */
const TOO_LONG = [
  /maximum context (length|window|size)/i,
  /exceed\w* (the |max\w* |available |model'?s? )*context/i,
  /greater than the context (length|window|size)/i,
  /context (length|window|size)( is| was)? (exceeded|too (small|short))/i,
  /(prompt|input) (is )?too long/i,
  /context_length_exceeded|exceed_context_size/i,
]

const BY_CODE: Readonly<Record<string, FaultKind>> = {
  context_length_exceeded: 'context-too-long',
  exceed_context_size_error: 'context-too-long',
  content_filter: 'refused',
  content_policy_violation: 'refused',
  moderation_blocked: 'refused',
  insufficient_quota: 'auth',
  billing_hard_limit_reached: 'auth',
  invalid_api_key: 'auth',
  authentication_error: 'auth',
  permission_error: 'auth',
  rate_limit_exceeded: 'rate-limit',
  rate_limit_error: 'rate-limit',
  overloaded: 'overloaded',
  overloaded_error: 'overloaded',
  unavailable_error: 'overloaded',
  engine_overloaded: 'overloaded',
  model_overloaded: 'overloaded',
}

const BY_STATUS: Readonly<Record<number, FaultKind>> = {
  401: 'auth',
  402: 'auth',
  403: 'auth',
  408: 'network',
  429: 'rate-limit',
  503: 'overloaded',
  529: 'overloaded',
}

/** `status` is null for an error inside a stream; then a number in `code` stands for it. */
export function sortFault(status: number | null, body: unknown): ModelFault {
  const { message, codes, number } = readError(body)
  const kind = kindOf(status ?? number ?? 500, codes, message)
  return { kind, message: message === '' ? `the server answered with status ${status ?? number ?? 'error'}` : message }
}

export function sortFaultText(status: number, body: string): ModelFault {
  const value = parseJson(body)
  if (value !== undefined) return sortFault(status, value)
  const isMarkup = body.trimStart().startsWith('<')
  return sortFault(status, isMarkup ? '' : body.slice(0, MAX_PLAIN_TEXT))
}

function kindOf(status: number, codes: readonly string[], message: string): FaultKind {
  for (const code of codes) {
    const kind = BY_CODE[code]
    if (kind !== undefined) return kind
  }
  // "Request too large … tokens per minute" is a rate limit, not a long conversation.
  if (status !== 429 && TOO_LONG.some((pattern) => pattern.test(message))) return 'context-too-long'
  if (status >= 500 && /overload/i.test(message)) return 'overloaded'
  return BY_STATUS[status] ?? (status >= 500 ? 'network' : 'bad-request')
}

interface Said {
  readonly message: string
  readonly codes: readonly string[]
  readonly number: number | null
}

/** `{error: {message, code, type}}`, `{error: text}` (Ollama), `{message, …}` (vLLM), `{detail}` (FastAPI), or plain text. */
function readError(body: unknown): Said {
  if (typeof body === 'string') return { message: body, codes: [], number: null }
  const outer = fieldsOf(body)
  const inner = fieldsOf(outer?.['error']) ?? outer
  const message = textOf(inner?.['message']) || textOf(outer?.['error']) || textOf(inner?.['detail'])
  const number = inner?.['code']
  return { message, codes: [textOf(inner?.['code']), textOf(inner?.['type'])], number: typeof number === 'number' ? number : null }
}
