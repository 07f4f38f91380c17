/** Lists as models read them best: one JSON object a line, cut between objects. */
import type { JsonObject } from '../contracts/json.ts'

const MAX_CHARACTERS = 48_000

export function listing(items: readonly JsonObject[], empty: string): string {
  let text = ''
  for (const [index, item] of items.entries()) {
    const line = JSON.stringify(item)
    if (text.length + line.length > MAX_CHARACTERS) return `${text}[${items.length - index} more left out]`
    text += `${line}\n`
  }
  return text === '' ? empty : text.trimEnd()
}

/** The beginning of a text, well-formed, with a note where something is missing. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… [${text.length - most} more characters]`
}
