/**
 * Reads the records of a result that a provider serialised: JSON, or the block style of YAML as its emitters write it (`- key: value`, deeper lines belong to the value). Who
 * fills in a leaf cannot end it: an emitter quotes and indents what he writes, and only lines at the very column of the keys are read as keys. What does not read so has no records.
 */
import * as z from 'zod'
import { classify, type Value } from './values.ts'

export interface Field {
  readonly text: string
  /** Its normal form, as far as it can name something: null for a long text. */
  readonly value: Value | null
}

/** Fields in order; a list gives one value an element. */
export type ResultRecord = ReadonlyMap<string, readonly Field[]>
type RawRecord = ReadonlyMap<string, readonly string[]>

const MAX_NAME_CHARACTERS = 320

const MAX_RECORDS = 500
const json = z.json()

export function readRecords(text: string): readonly ResultRecord[] {
  const trimmed = text.trim()
  const records = trimmed.startsWith('{') || trimmed.startsWith('[') ? fromJson(trimmed) : fromLines(trimmed.split('\n'))
  return records.slice(0, MAX_RECORDS).map((record) => new Map(record.entries().map(([key, texts]) => [key, texts.map(fieldOf)])))
}

function fieldOf(text: string): Field {
  return { text, value: text.length > MAX_NAME_CHARACTERS || text.includes('\n') ? null : classify(text) }
}

function fromJson(text: string): readonly RawRecord[] {
  let value: z.infer<typeof json>
  try {
    value = json.parse(JSON.parse(text.startsWith("{'") || text.startsWith("[{'") ? literalToJson(text) : text))
  } catch {
    // Several objects, one a line; anything else has no records.
    const lines = text.split('\n')
    return lines.length > 1 && lines.every((line) => line.startsWith('{')) ? lines.flatMap(fromJson) : []
  }
  return objectsIn(value)
}

const TOKEN = /'((?:[^'\\]|\\[^])*)'|"((?:[^"\\]|\\[^])*)"|(True|False|None)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[\s{}[\]:,]+/gy
const CONSTANTS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' }

/** Literals as Python prints them, token by token: what stands in quotes stays in quotes. Anything else makes it no JSON. */
function literalToJson(text: string): string {
  let length = 0
  let output = ''
  for (const [token, single, double, constant] of text.matchAll(TOKEN)) {
    length += token.length
    const quoted = single ?? double
    output +=
      quoted === undefined
        ? (CONSTANTS[constant ?? ''] ?? token)
        : JSON.stringify(quoted.replaceAll(/\\([^])/g, (_all, letter: string) => (letter === 'n' ? '\n' : letter)))
  }
  return length === text.length ? output : ''
}

function objectsIn(value: z.infer<typeof json>): readonly RawRecord[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (value === null || typeof value !== 'object') return []
  const record = new Map(Object.entries(value).map(([key, member]) => [key, scalars(member)]))
  return [record, ...Object.values(value).flatMap(objectsIn)]
}

function scalars(value: z.infer<typeof json>): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => (typeof each === 'object' ? [] : [String(each)]))
  return typeof value === 'object' ? [] : [String(value)]
}

function fromLines(lines: readonly string[]): readonly RawRecord[] {
  const isList = lines[0]?.startsWith('- ') === true
  let current = new Map<string, string[]>()
  // Of a list it stays empty: the first line begins the next.
  const records = [current]
  let key = ''
  for (const line of lines) {
    if (isList && line.startsWith('- ')) {
      current = new Map()
      records.push(current)
    } else if (isList && line !== '' && !line.startsWith('  ')) return []
    const body = isList ? line.slice(2) : line
    const named = /^([A-Za-z_][\w .-]{0,63}):(?: (.*))?$/.exec(body)
    const item = /^- (.*)$/.exec(body)
    // A record is keys or one scalar: the lines of a long scalar may look like keys.
    if (named?.[1] !== undefined && !current.has('')) {
      key = named[1]
      current.set(key, named[2] === undefined || named[2] === '' ? [] : [unquote(named[2])])
    } else if (item?.[1] !== undefined && key !== '') current.get(key)?.push(unquote(item[1]))
    else if (isList && line.startsWith('- ') && item === null) current.set('', [unquote(body)])
    else if (/^ {2}/.test(body) && key !== '') extend(current.get(key), body)
    else if (body.trim() !== '') return []
  }
  return records.filter((record) => record.size > 0)
}

/** A value that goes on is longer than what was read so far: no leaf by itself. */
function extend(values: string[] | undefined, line: string): void {
  if (values === undefined) return
  const last = values.pop()
  if (last === undefined) values.push(`${line.trim()}\n`)
  else values.push(`${last}\n${line.trim()}`)
}

function unquote(text: string): string {
  const quoted = /^'(.*)'$|^"(.*)"$/.exec(text.trim())
  return quoted === null ? text.trim() : (quoted[1]?.replaceAll("''", "'") ?? quoted[2] ?? '')
}
