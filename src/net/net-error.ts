import { AppError } from '../contracts/errors.ts'

/** What to say about the codes that Node and undici give; anything else is shown as a plain failure. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** Code of the error when a connection ended up at another address than one that was checked. */
export const UNCHECKED_PEER = 'CARAPACE_UNCHECKED_PEER'

/** There was no connection yet. */
const UNSENT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/** Names the origin and a reason of our own. The message of the original is dropped: it may hold an address, a header or a piece of the answer. */
export function netError(error: unknown, origin: string): AppError {
  const code = codeOf(error)
  const isUnsent = UNSENT.has(code)
  if (TIMEOUTS.has(code)) return new AppError('net/timeout', origin, { isUnsent })
  if (code === UNCHECKED_PEER) return new AppError('net/refused', `${origin} is not where it was a moment ago`)
  if (code === 'UND_ERR_INVALID_ARG') return new AppError('net/refused', `the request to ${origin} holds what HTTP cannot carry`)
  const reason = REASONS[code] ?? (code.startsWith('HPE_') ? 'it does not speak HTTP' : 'the connection failed')
  return new AppError('net/unreachable', `${origin}: ${reason}`, { isUnsent })
}

/** The first code along causes and members: connecting to several addresses fails with one error for each. */
function codeOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 3) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0], depth + 1)
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause, depth + 1)
}
