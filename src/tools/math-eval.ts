import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'
import { reading } from './reading.ts'

const input = z.strictObject({
  expression: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= 1024, 'at most 1,024 bytes'),
})

export function mathEval(): Tool<z.infer<typeof input>> {
  return {
    name: 'math_eval',
    description: 'Exact arithmetic: + - * / % ^ ( ) sqrt abs round floor ceil min max log ln sin cos tan pi e, "15% of 80".',
    input,
    manifest: reading({ trust: 'trusted', private: false, curated: false, records: false }),
    async run({ expression }) {
      const [{ evaluate }, { ArithmeticError, format }] = await Promise.all([import('./arithmetic/evaluate.ts'), import('./arithmetic/numbers.ts')])
      try {
        return { output: format(evaluate(expression)) }
      } catch (error) {
        if (error instanceof ArithmeticError) throw new AppError('tool/invalid-input', error.message)
        throw error
      }
    },
  }
}
