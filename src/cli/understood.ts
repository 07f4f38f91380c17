import type * as z from 'zod'
import { AppError } from '../contracts/errors.ts'

/** What the gateway answered, or the error that says that it speaks another dialect. */
export function understood<T extends z.ZodType>(schema: T, payload: unknown): z.infer<T> {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  throw new AppError('gateway/unreachable', 'it answers in a way that we do not understand', {
    hint: 'the gateway may be of another version: compare `cara version` and `cara status`',
  })
}
