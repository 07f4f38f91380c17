import * as z from 'zod/mini'

/** Parses by a schema of `zod/mini`, which says no more than that an input is invalid: the texts are loaded when there is something to tell. */
export async function parseTelling<S extends z.core.$ZodType>(schema: S, data: unknown): Promise<z.core.util.SafeParseResult<z.core.output<S>>> {
  const result = z.safeParse(schema, data)
  if (result.success) return result
  const { default: english } = await import('zod/v4/locales/en.js')
  return z.safeParse(schema, data, { error: english().localeError })
}
