/** Errors of Bedrock: by the name of the exception, which stands in a header, in the body, or names an event of the stream. https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html */
import type { FaultKind, ModelFault } from '../../contracts/provider.ts'
import { parseFields, textOf } from '../wire/read-json.ts'
import { statusKind } from '../wire/status-kind.ts'

const KINDS: Readonly<Record<string, FaultKind>> = {
  throttlingexception: 'rate-limit',
  toomanyrequestsexception: 'rate-limit',
  servicequotaexceededexception: 'rate-limit',
  serviceunavailableexception: 'overloaded',
  internalserverexception: 'network',
  internalfailure: 'network',
  modelstreamerrorexception: 'network',
  modelerrorexception: 'network',
  modelnotreadyexception: 'overloaded',
  modeltimeoutexception: 'network',
  accessdeniedexception: 'auth',
  unrecognizedclientexception: 'auth',
  invalidclienttokenid: 'auth',
  expiredtokenexception: 'auth',
  expiredtoken: 'auth',
  invalidsignatureexception: 'auth',
  incompletesignatureexception: 'auth',
  missingauthenticationtokenexception: 'auth',
  resourcenotfoundexception: 'bad-request',
}

const TOO_LONG =
  /too long|too large for|exceeds? [\w ]*(context|token|maximum)|too many (input )?tokens|(context|input)[\w ]* (length|window|limit)|maximum [\w ]*tokens/i

export function bedrockFault(status: number, headers: Readonly<Record<string, string>>, body: string): ModelFault {
  const type = headers['x-amzn-errortype'] ?? textOf(parseFields(body)?.['__type'])
  return namedFault(type, body, status)
}

/** `type` may carry a namespace before `#` or an address after `:`. */
export function namedFault(type: string, body: string, status: number): ModelFault {
  const name = (type.split('#').at(-1) ?? '').split(':', 1)[0] ?? ''
  const answer = parseFields(body)
  const text = textOf(answer?.['message']) || textOf(answer?.['Message'])
  // A wrong signature is answered with all that should have been signed, our path and headers among it.
  const message = (text.split(/\s*The Canonical String\b/, 1)[0] ?? '').trim()
  const shown = [message === '' && name === '' ? `status ${status} without a reason` : message, name === '' ? '' : `(${name})`]
  return { kind: kindOf(name.toLowerCase(), message, status), message: shown.filter((part) => part !== '').join(' ') }
}

function kindOf(name: string, message: string, status: number): FaultKind {
  const kind = KINDS[name]
  if (kind !== undefined) return kind
  const isValidation = name === 'validationexception' || (name === '' && status === 400)
  if (isValidation) return TOO_LONG.test(message) ? 'context-too-long' : 'bad-request'
  return statusKind(status)
}
