/** Fields that provider sections share. */
import * as z from 'zod'
import { readBaseUrl } from '../../std/base-url.ts'

/** A server's address: https, or plain http to this machine. */
export function baseUrlField(description: string) {
  return z
    .string()
    .max(2048)
    .transform((text, context) => {
      const url = readBaseUrl(text)
      if (url instanceof URL) return url
      context.addIssue({ code: 'custom', message: url })
      return z.NEVER
    })
    .meta({ description })
}
