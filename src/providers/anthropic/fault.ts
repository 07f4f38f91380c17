/** Errors of the Messages API, as answers and inside a stream. https://platform.claude.com/docs/en/api/errors */
import type { FaultKind, ModelFault } from '../../contracts/provider.ts'
import { fieldsOf, parseFields, textOf, type Fields } from '../wire/read-json.ts'
import { statusKind } from '../wire/status-kind.ts'

const KINDS: Readonly<Record<string, FaultKind>> = {
  authentication_error: 'auth',
  permission_error: 'auth',
  billing_error: 'auth',
  rate_limit_error: 'rate-limit',
  overloaded_error: 'overloaded',
  api_error: 'network',
  timeout_error: 'network',
  request_too_large: 'context-too-long',
  not_found_error: 'bad-request',
}

export function anthropicFault(status: number, body: string): ModelFault {
  const answer = parseFields(body)
  return answer === null ? { kind: statusKind(status), message: `status ${status} without a reason` } : faultIn(answer, status)
}

/** The fault in `{"type":"error","error":{"type","message"}}`. */
export function faultIn(answer: Fields, status: number): ModelFault {
  const error = fieldsOf(answer['error'])
  const type = textOf(error?.['type'])
  const message = textOf(error?.['message'])
  return { kind: kindOf(type, message, status), message: type === '' ? message : `${message} (${type})` }
}

function kindOf(type: string, message: string, status: number): FaultKind {
  const kind = KINDS[type]
  if (kind !== undefined) return kind
  if (/prompt is too long|exceeds? (the )?(context|model)[\w ]*(limit|window)|too many (total )?(input )?tokens/i.test(message)) return 'context-too-long'
  // Money that ran out is reported as an invalid request; like a refused key, it only changes at the vendor's console.
  if (/credit balance|usage limits?/i.test(message)) return 'auth'
  return statusKind(status)
}
