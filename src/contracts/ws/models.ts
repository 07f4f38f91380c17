/** Models. */
import * as z from 'zod'
import { defaultModel } from './shared.ts'

/** `models.list {}` */
export const modelsListResult = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['model', 'route']),
      provider: z.string(),
      contextTokens: z.number().optional(),
      price: z.object({ input: z.number(), output: z.number() }).optional(),
    }),
  ),
  default: defaultModel,
})
