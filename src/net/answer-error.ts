import * as z from 'zod'
import { AppError, isErrorCode } from '../contracts/errors.ts'
import type { ErrorBody } from '../contracts/ws-protocol.ts'

const details = z.object({ hint: z.string().optional(), retryAfterMs: z.number().optional() })

/** The error of a response frame as it was thrown on the other side. A code of a newer gateway becomes `internal` with its message. */
export function answerError(body: ErrorBody | undefined): AppError {
  if (body === undefined) return new AppError('internal', 'the gateway gave no reason')
  const more = details.safeParse(body.details)
  const { hint, retryAfterMs } = more.success ? more.data : {}
  const rest = { ...(hint === undefined ? {} : { hint }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  if (!isErrorCode(body.code)) return new AppError('internal', body.message, rest)
  const plain = new AppError(body.code).message
  // The catalogue's sentence comes first; what follows it is the detail.
  const detail = body.message.startsWith(`${plain}: `) ? body.message.slice(plain.length + 2) : body.message === plain ? undefined : body.message
  return new AppError(body.code, detail, rest)
}
