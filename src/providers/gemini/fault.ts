/** Errors of the Gemini API, in Google's common shape. https://ai.google.dev/gemini-api/docs/troubleshooting, https://cloud.google.com/apis/design/errors */
import type { FaultKind, ModelFault } from '../../contracts/provider.ts'
import { fieldsOf, listOf, parseJson, textOf, type Fields } from '../wire/read-json.ts'
import { statusKind } from '../wire/status-kind.ts'

const KINDS: Readonly<Record<string, FaultKind>> = {
  UNAUTHENTICATED: 'auth',
  PERMISSION_DENIED: 'auth',
  RESOURCE_EXHAUSTED: 'rate-limit',
  UNAVAILABLE: 'overloaded',
  INTERNAL: 'network',
  DEADLINE_EXCEEDED: 'network',
  ABORTED: 'network',
  CANCELLED: 'network',
  NOT_FOUND: 'bad-request',
}

export function geminiFault(status: number, body: string): ModelFault {
  const answer = parseJson(body)
  // Without `alt=sse` the streaming method wraps its error in a list; proxies of it may too.
  const error = fieldsOf(fieldsOf(Array.isArray(answer) ? answer[0] : answer)?.['error'])
  return error === null ? { kind: statusKind(status), message: `status ${status} without a reason` } : faultIn(error, status)
}

export function faultIn(error: Fields, status: number): ModelFault {
  const message = textOf(error['message'])
  const details = listOf(error['details']).map((detail) => fieldsOf(detail) ?? {})
  const wait = details.map((detail) => seconds(textOf(detail['retryDelay']))).find((delay) => delay !== undefined)
  const kind = kindOf(textOf(error['status']), message, details, status)
  return { kind, message, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}

function kindOf(name: string, message: string, details: readonly Fields[], status: number): FaultKind {
  if (details.some((detail) => textOf(detail['reason']).startsWith('API_KEY_')) || /\bAPI key (not valid|expired|not found)/i.test(message)) return 'auth'
  if (/token count .*exceeds|exceeds the maximum number of( input)? tokens/i.test(message)) return 'context-too-long'
  return KINDS[name] ?? statusKind(status)
}

/** Milliseconds of a protobuf duration such as `34.4s`. */
function seconds(duration: string): number | undefined {
  const amount = /^(\d{1,6}(?:\.\d{1,9})?)s$/.exec(duration)?.[1]
  return amount === undefined ? undefined : Math.ceil(Number(amount) * 1000)
}
