import { AppError, type ErrorCode } from '../../contracts/errors.ts'
import type { FaultKind, ModelFault } from '../../contracts/provider.ts'

const CODES: Readonly<Record<FaultKind, ErrorCode>> = {
  auth: 'provider/auth',
  'rate-limit': 'provider/rate-limit',
  overloaded: 'provider/overloaded',
  'context-too-long': 'provider/context-too-long',
  refused: 'provider/refused',
  network: 'provider/unreachable',
  'bad-request': 'provider/bad-request',
  cancelled: 'turn/cancelled',
}

/** The error for a fault, where an event is not possible. */
export function faultError(fault: ModelFault): AppError {
  return new AppError(CODES[fault.kind], fault.message, fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs })
}
