/**
 * Fields of a configuration schema, each with its description, and how to read by such a schema. These schemas are built at every start, also of `cara config get`, and
 * therefore by `zod/mini`: it takes a third of the time.
 */
import * as z from 'zod/mini'

type Schema = z.core.$ZodType

/** Describes this very schema, so give it one of its own. */
export function described<S extends Schema>(schema: S, description: string): S {
  z.globalRegistry.add(schema, { description })
  return schema
}

export function optional<S extends Schema>(schema: S, description: string): z.ZodMiniOptional<S> {
  return described(z.optional(schema), description)
}

export function withDefault<S extends Schema>(schema: S, value: z.core.util.NoUndefined<z.core.output<S>>, description: string): z.ZodMiniDefault<S> {
  return described(z._default(schema, value), description)
}

/** Parses by a schema of `zod/mini`, which says no more than that an input is invalid: the texts are loaded when there is something to tell. */
export async function parseTelling<S extends Schema>(schema: S, data: unknown): Promise<z.core.util.SafeParseResult<z.core.output<S>>> {
  const result = z.safeParse(schema, data)
  if (result.success) return result
  const { default: english } = await import('zod/v4/locales/en.js')
  return z.safeParse(schema, data, { error: english().localeError })
}
