import { AppError } from '../../contracts/errors.ts'
import { faultCodes, type ModelFault } from '../../contracts/provider.ts'

/** The error for a fault, where an event is not possible. */
export function faultError(fault: ModelFault): AppError {
  return new AppError(faultCodes[fault.kind], fault.message, fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs })
}
