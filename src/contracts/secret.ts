/** A secret that cannot be printed by accident: every conversion gives `[secret]`. `reveal()` is the only way to the value. */
import * as z from 'zod/mini'

export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  // `inspect.custom`, without loading `node:util` for it.
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/**
 * What a configuration schema uses for a credential: text in the file, a `Secret` after parsing. Sealing, redaction and the docs look for it by `isSecretSchema`.
 * Wrap it as needed: `optional(secretSchema, 'Key of the vendor')`.
 */
export const secretSchema = z.pipe(
  z.string().check(z.minLength(1), z.maxLength(8192)),
  z.transform((text: string) => new Secret(text)),
)
z.globalRegistry.add(secretSchema, { secret: true })

/** Whether this very schema (not what it wraps) is `secretSchema`. */
export function isSecretSchema(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.['secret'] === true
}
