/** A secret that cannot be printed by accident: every conversion gives `[secret]`. `reveal()` is the only way to the value. */
import { inspect } from 'node:util'
import * as z from 'zod'

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

  [inspect.custom](): string {
    return '[secret]'
  }
}

/**
 * What a configuration schema uses for a credential: text in the file, a `Secret` after parsing. Sealing, redaction and the docs look for it by `isSecretSchema`.
 * Wrap it as needed: `secretSchema.optional().describe('Key of the vendor')`.
 */
export const secretSchema = z
  .string()
  .min(1)
  .max(8192)
  .transform((text) => new Secret(text))
  .meta({ secret: true })

/** Whether this very schema (not what it wraps) is `secretSchema`, also after `.describe()` and `.meta()`. */
export function isSecretSchema(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.['secret'] === true
}
