/** The six skills of the demo model, mapped onto the assistant's tools. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { JsonObject } from '../../contracts/json.ts'

export interface SkillCall {
  readonly tool: string
  readonly input: JsonObject
}

const written = z.discriminatedUnion('name', [
  z.object({ name: z.literal('get_time'), arguments: z.object({ timezone: z.string() }) }),
  z.object({ name: z.literal('calculate'), arguments: z.object({ expression: z.string() }) }),
  z.object({ name: z.literal('remember'), arguments: z.object({ text: z.string() }) }),
  z.object({ name: z.literal('search_memory'), arguments: z.object({ query: z.string() }) }),
  z.object({ name: z.literal('read_file'), arguments: z.object({ path: z.string() }) }),
  z.object({ name: z.literal('set_reminder'), arguments: z.object({ text: z.string(), when: z.string() }) }),
])

const QUESTION = /^\s*(?:who|whose|what|when|where|which|why|how)\b/i
export const REMINDER = 'reminder-'

/** The call that a `<tool_call>` answer stands for; null when it is none, or would note down what was a question. */
export function skillCall(answer: string, userText: string): SkillCall | null {
  const body = /^<tool_call>\n(.*)\n<\/tool_call>$/.exec(answer)?.[1]
  const call = body === undefined ? null : written.safeParse(readJson(body)).data
  if (call === null || call === undefined) return null
  switch (call.name) {
    case 'get_time':
      return { tool: 'current_time', input: call.arguments.timezone === 'local' ? {} : call.arguments }
    case 'calculate':
      return { tool: 'math_eval', input: call.arguments }
    case 'remember':
      return QUESTION.test(userText) ? null : { tool: 'memory_write', input: { key: slug(call.arguments.text), value: call.arguments.text } }
    case 'search_memory':
      return { tool: 'memory_search', input: call.arguments }
    case 'read_file':
      return { tool: 'file_read', input: call.arguments }
    case 'set_reminder': {
      const { text, when } = call.arguments
      return { tool: 'memory_write', input: { key: `${REMINDER}${slug(text)}`, value: `${text} (${when})` } }
    }
  }
}

/** Up to eight words; what does not fit, or has no Latin letters, is told apart by a digest. */
function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  const short = words.slice(0, 8).join('-').slice(0, 48)
  const isWhole = words.length > 0 && short === words.join('-') && /^[\p{ASCII}]*$/u.test(text)
  return isWhole ? short : [short, createHash('sha256').update(text).digest('hex').slice(0, 8)].filter((part) => part !== '').join('-')
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
