/** Tool results as the demo shows them: the result itself, never a model's retelling. What has an unknown shape is shown as it is. */
import * as z from 'zod'
import type { JsonValue } from '../../contracts/json.ts'
import type { Message, ToolResultPart } from '../../contracts/message.ts'
import { REMINDER } from './skills.ts'

const MAX_LETTERS = 4000
const MAX_RECORDS = 5

/** Null when the newest message is no tool result. */
export function renderResults(messages: readonly Message[]): string | null {
  const start = messages.findLastIndex((message) => message.role !== 'tool') + 1
  if (start >= messages.length) return null
  const inputs = callInputs(messages[start - 1])
  const results = messages.slice(start).flatMap((message) => (message.role === 'tool' ? message.parts : []))
  return results.map((result) => render(result, inputs.get(result.callId) ?? null)).join('\n\n')
}

function callInputs(message: Message | undefined): ReadonlyMap<string, JsonValue> {
  const parts = message?.role === 'assistant' ? message.parts : []
  return new Map(parts.flatMap((part) => (part.type === 'tool-call' ? [[part.callId, part.input] as const] : [])))
}

function render(result: ToolResultPart, input: JsonValue): string {
  if (result.isError) return `That did not work (${result.tool}): ${cut(result.output)}`
  const output = readJson(result.output)
  const told = RENDERERS[result.tool]?.(output, input)
  return told ?? cut(result.output === '' ? `${result.tool} gave no output.` : result.output)
}

/** Each answers undefined for a shape that it does not know. */
const RENDERERS: Readonly<Record<string, (output: unknown, input: JsonValue) => string | undefined>> = {
  current_time(output, input) {
    const time = scalar(output, ['local', 'formatted', 'text', 'time', 'datetime', 'iso', 'now'])
    const zone = field(input, 'timezone') ?? field(output, 'timezone')
    return time === undefined ? undefined : cut(zone === undefined || time.includes(zone) ? time : `${time} (${zone})`)
  },
  math_eval(output, input) {
    const value = scalar(output, ['result', 'value'])
    return value === undefined ? undefined : cut(`${field(input, 'expression') ?? 'The result'} = ${value}`)
  },
  memory_write(_output, input) {
    const [key, value] = [field(input, 'key'), field(input, 'value')]
    if (key === undefined || value === undefined) return undefined
    if (key.startsWith(REMINDER)) return `${cut(`Noted: ${value}`)}\nNo alarm will ring: the built-in demo can only keep this as a note.`
    return cut(`Noted: ${value}`)
  },
  memory_search(output, input) {
    const records = recordsIn.safeParse(output).data
    if (records === undefined) return undefined
    if (records.length === 0) return cut(`I have no note about “${field(input, 'query') ?? 'that'}”.`)
    return cut(['From your notes:', ...records.slice(0, MAX_RECORDS).map(({ value }) => `- ${value}`)].join('\n'))
  },
  file_read(output, input) {
    const content = scalar(output, ['content', 'text'])
    return content === undefined ? undefined : `${field(input, 'path') ?? 'The file'}:\n${cut(content)}`
  },
}

const record = z.object({ key: z.string(), value: z.string() })
const recordsIn = z.union([
  z.array(record),
  z.object({ records: z.array(record) }).transform(({ records }) => records),
  z.object({ results: z.array(record) }).transform(({ results }) => results),
  z.object({ matches: z.array(record) }).transform(({ matches }) => matches),
])

/** The output itself when it is text or a number, or the first of its fields that is. */
function scalar(output: unknown, names: readonly string[]): string | undefined {
  if (typeof output === 'string' || typeof output === 'number') return String(output)
  for (const name of names) {
    const value = field(output, name)
    if (value !== undefined) return value
  }
  return undefined
}

function field(value: unknown, name: string): string | undefined {
  const found = z.record(z.string(), z.unknown()).safeParse(value).data?.[name]
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
}

function cut(text: string): string {
  return text.length > MAX_LETTERS ? `${text.slice(0, MAX_LETTERS)}… (cut)` : text
}

/** Text that is no JSON is itself. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
