import type { JsonValue } from '../../contracts/json.ts'
import { nestsDeeperThan } from '../../std/json-depth.ts'
import { parseJson } from './read-json.ts'

const MAX_DEPTH = 64

/** The arguments of a call as the model wrote them. No text at all means no arguments; text that is not JSON is kept for the model to correct. */
export function readArguments(text: string): { readonly input: JsonValue; readonly invalidInput?: string } {
  if (text.trim() === '') return { input: {} }
  const input = nestsDeeperThan(text, MAX_DEPTH) ? undefined : parseJson(text)
  return input === undefined ? { input: null, invalidInput: text } : { input }
}
