/** What provider sections share. */
import * as z from 'zod/mini'
import { readBaseUrl } from '../../std/base-url.ts'

/** A server's address: https, or plain http to this machine. */
export const baseUrlSchema = z.pipe(
  z.string().check(z.maxLength(2048)),
  z.transform((text: string, context) => {
    const url = readBaseUrl(text)
    if (url instanceof URL) return url
    context.issues.push({ code: 'custom', message: url, input: text })
    return z.NEVER
  }),
)
