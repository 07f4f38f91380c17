import { AppError } from '../../contracts/errors.ts'
import type { Secret } from '../../contracts/secret.ts'

/** The value of a header that carries a key. Throws `provider/auth` for a key that no header can hold, which is what a careless paste gives. */
export function headerKey(key: Secret): string {
  const value = key.reveal().trim()
  if (!/^[\x21-\x7e]+$/.test(value)) throw new AppError('provider/auth', 'the configured key holds characters that cannot be part of one')
  return value
}

export function bearer(key: Secret): { readonly authorization: string } {
  return { authorization: `Bearer ${headerKey(key)}` }
}
