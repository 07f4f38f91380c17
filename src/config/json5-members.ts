/**
 * Where the members of an object stand in a JSON5 text. The text must have been parsed before: this only measures, and tells nothing of texts that are not valid.
 * Our own, because the editor package that we tried fails on `'"'` and leaves a brace behind when it removes the only member of an object on one line.
 */
import json5 from 'json5'

export interface Member {
  readonly key: string
  /** Of the key. */
  readonly start: number
  readonly valueStart: number
  /** Behind the value. */
  readonly end: number
}

export interface ObjectRange {
  /** Behind the opening brace. */
  readonly open: number
  /** Of the closing brace. */
  readonly close: number
  readonly members: readonly Member[]
}

const SPACE = /(?:\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/y
const WORD = /[^\s,:[\]{}"'/]+/y

/** Behind white space and comments. */
export function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at
  return at + (SPACE.exec(text)?.[0].length ?? 0)
}

/** The members of the object that begins here, or null where another value does. */
export function objectAt(text: string, start: number): ObjectRange | null {
  if (text[start] !== '{') return null
  const members: Member[] = []
  let at = skipSpace(text, start + 1)
  while (at < text.length && text[at] !== '}') {
    const keyEnd = skipToken(text, at)
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = skipValue(text, valueStart)
    members.push({ key: readKey(text.slice(at, keyEnd)), start: at, valueStart, end })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return { open: start + 1, close: at, members }
}

/** Of two members with the same name the last one counts. */
export function memberOf(object: ObjectRange, key: string): Member | undefined {
  return object.members.findLast((member) => member.key === key)
}

/** The line, from 1, of a path, as far as the path goes through objects. */
export function lineOf(text: string, path: readonly string[]): number | null {
  let at = skipSpace(text, 0)
  let line: number | null = null
  for (const key of path) {
    const object = objectAt(text, at)
    const member = object === null ? undefined : memberOf(object, key)
    if (member === undefined) return line
    line = text.slice(0, member.start).split(/\r\n|[\n\r\u2028\u2029]/).length
    at = member.valueStart
  }
  return line
}

function readKey(source: string): string {
  return Object.keys(json5.parse<Record<string, unknown>>(`{${source}:0}`))[0] ?? ''
}

function skipValue(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const unit = text[at]
    if (unit === '{' || unit === '[') depth++
    if (unit === '}' || unit === ']') depth--
    at = skipToken(text, at)
    if (depth > 0) at = skipSpace(text, at)
  } while (depth > 0 && at < text.length)
  return at
}

/** Behind one string, word or sign. */
function skipToken(text: string, start: number): number {
  const quote = text[start]
  if (quote === '"' || quote === "'") {
    let at = start + 1
    while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1
    return at + 1
  }
  WORD.lastIndex = start
  return start + Math.max(1, WORD.exec(text)?.[0].length ?? 0)
}
