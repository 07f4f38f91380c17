/** Changes one member of a JSON5 text and leaves everything else, comments included, as it is. */
import { isDeepStrictEqual } from 'node:util'
import json5 from 'json5'
import { AppError } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import { memberOf, objectAt, skipSpace, type Member, type ObjectRange } from './json5-members.ts'
import { isObject } from './layers.ts'

/** Sets a member, making the objects on its way; `undefined` takes it away. The text must be valid. Throws `config/invalid` where a value on the way is no object. */
export function changeText(text: string, segments: readonly string[], value: JsonValue | undefined): string {
  const before: unknown = text.trim() === '' ? {} : json5.parse(text)
  const expected = withMember(before, segments, value)
  // There is no style to follow and nothing to keep.
  if (/^\s*(\{\s*\}\s*)?$/.test(text)) return `${json5.stringify(expected, null, 2)}\n`
  const changed = change(text, skipSpace(text, 0), segments, value)
  // Measured once more before anything is written: a change that touched something else is worse than none.
  if (changed !== null && isDeepStrictEqual(parsedOrNull(changed), expected)) return changed
  throw new AppError('config/invalid', `the file cannot be changed at ${segments.join('.')}`, { hint: 'Edit it by hand, then: cara config validate' })
}

function change(text: string, at: number, [key, ...rest]: readonly string[], value: JsonValue | undefined): string | null {
  const object = objectAt(text, at)
  if (object === null || key === undefined) return null
  const member = memberOf(object, key)
  if (member === undefined) return value === undefined ? text : insert(text, object, key, withMember(undefined, rest, value))
  if (rest.length > 0) return change(text, member.valueStart, rest, value)
  if (value === undefined) return remove(text, member)
  return text.slice(0, member.valueStart) + render(text, value, indentAt(text, member.start)) + text.slice(member.end)
}

function insert(text: string, object: ObjectRange, key: string, value: unknown): string {
  const last = object.members.at(-1)
  const hasComma = last === undefined || text[skipSpace(text, last.end)] === ','
  const head = hasComma ? text.slice(0, object.close) : `${text.slice(0, last.end)},${text.slice(last.end, object.close)}`
  const name = json5.stringify({ [key]: 0 }, quoteOf(text)).slice(1, -3)
  if (!text.slice(object.open, object.close).includes('\n')) return `${head.trimEnd()} ${name}: ${render(text, value, null)} ${text.slice(object.close)}`
  const outer = indentAt(text, object.close)
  const indent = last === undefined ? `${outer}  ` : indentAt(text, last.start)
  return `${head.trimEnd()}\n${indent}${name}: ${render(text, value, indent)},\n${outer}${text.slice(object.close)}`
}

function remove(text: string, { start, end }: Member): string {
  const comma = skipSpace(text, end)
  const head = text.slice(0, start)
  // Comments between the value and its comma stay; a comma before what was the last member may stay too.
  const tail = text[comma] === ',' ? text.slice(end, comma) + text.slice(comma + 1) : text.slice(end)
  const leavesEmptyLine = /(^|\n)[ \t]*$/.test(head) && /^[ \t]*\r?\n/.test(tail)
  return leavesEmptyLine ? head.replace(/[ \t]*$/, '') + tail.replace(/^[ \t]*\r?\n/, '') : head + tail
}

/** On one line without an indent. */
function render(text: string, value: unknown, indent: string | null): string {
  const rendered = json5.stringify(value, { ...quoteOf(text), space: indent === null ? 0 : 2 })
  return indent === null ? rendered : rendered.replaceAll('\n', `\n${indent}`)
}

/** The kind of quotes that the text prefers. */
function quoteOf(text: string): { readonly quote?: string } {
  return text.includes('"') && !text.includes("'") ? { quote: '"' } : {}
}

/** The white space that the line of this position begins with. */
function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1, at))?.[0] ?? ''
}

function parsedOrNull(text: string): unknown {
  try {
    return json5.parse<unknown>(text)
  } catch {
    return null
  }
}

function withMember(data: unknown, [key, ...rest]: readonly string[], value: JsonValue | undefined): unknown {
  if (key === undefined) return value
  const members = isObject(data) ? data : {}
  if (value === undefined && !Object.hasOwn(members, key)) return data
  const changed = withMember(Object.hasOwn(members, key) ? members[key] : undefined, rest, value)
  if (changed !== undefined) return { ...members, [key]: changed }
  return Object.fromEntries(Object.entries(members).filter(([name]) => name !== key))
}
