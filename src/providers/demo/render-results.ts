/** Tool results as the demo shows them: the result itself, never a model's retelling. What has an unknown shape is shown as it is. */
import * as z from 'zod'
import type { JsonValue } from '../../contracts/json.ts'
import type { Message, ToolResultPart } from '../../contracts/message.ts'
import { unquoted } from '../../contracts/quotation.ts'
import { REMINDER } from './skills.ts'

const MAX_LETTERS = 4000
const MAX_NOTES = 5
const MAX_NOTE_LETTERS = 1000

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

function render({ tool, output: told, isError }: ToolResultPart, input: JsonValue): string {
  const output = unquoted(told)
  if (isError) return `That did not work (${tool}): ${cut(output)}`
  const given = inputFields.safeParse(input).data ?? {}
  return cut(RENDERERS[tool]?.(output, given) ?? (output === '' ? `${tool} gave no output.` : output))
}

type Arguments = Readonly<Record<string, unknown>>
const inputFields = z.record(z.string(), z.unknown())
const time = z.object({ iso: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d/), weekday: z.string(), timezone: z.string() })
const written = z.object({ key: z.string(), value: z.string() })

/** Each answers undefined for a shape that it does not know. */
const RENDERERS: Readonly<Record<string, (output: string, input: Arguments) => string | undefined>> = {
  current_time(output) {
    const now = time.safeParse(readJson(output)).data
    return now && `It is ${now.iso.slice(11, 16)} on ${now.weekday}, ${now.iso.slice(0, 10)} (${now.timezone}).`
  },
  math_eval: (output, { expression }) => (typeof expression === 'string' ? `${expression} = ${output}` : undefined),
  memory_write(_output, input) {
    const note = written.safeParse(input).data
    if (note === undefined) return undefined
    const noted = `Noted: ${cut(note.value, MAX_NOTE_LETTERS)}`
    return note.key.startsWith(REMINDER) ? `${noted}\nNo alarm will ring: the built-in demo can only keep this as a note.` : noted
  },
  memory_search(output, { query }) {
    if (output === 'Nothing was found') return `I have no note about “${typeof query === 'string' ? query : 'that'}”.`
    const notes = output.split('\n').flatMap((line) => written.safeParse(readJson(line)).data ?? [])
    return notes.length === 0
      ? undefined
      : ['From your notes:', ...notes.slice(0, MAX_NOTES).map(({ value }) => `- ${cut(value, MAX_NOTE_LETTERS)}`)].join('\n')
  },
  file_read: (output, { path }) => (typeof path === 'string' ? `${path}:\n${output}` : undefined),
}

function cut(text: string, most = MAX_LETTERS): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}… (cut)` : text
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
