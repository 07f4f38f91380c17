/**
 * Fields of a configuration schema, each with its description. Schemas of the configuration are built at every start, also of `cara config get`, and therefore from
 * `zod/mini`: it builds them in a third of the time.
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
