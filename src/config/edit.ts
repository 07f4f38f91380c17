/**
 * Changes the configuration file and keeps its comments. The result is checked before it replaces the file, in one step and with mode 0600; an invalid one is never
 * written. Secrets are sealed on their way in.
 */
import { mkdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import json5 from 'json5'
import { AppError } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import { atomicWrite } from '../std/atomic-write.ts'
import { withFileLock } from './file-lock.ts'
import { changeText } from './json5-text.ts'
import { isObject } from './layers.ts'
import { checkConfig, type LoadOptions } from './load.ts'
import { childOf, findPlace, placeOf, readText, type Place } from './places.ts'
import { isReference, SEALED_PREFIX } from './resolve-values.ts'
import { composeSchema } from './schema.ts'
import { refusePath } from './settings.ts'
import { parseSource, readSourceFile } from './source-file.ts'

export interface EditOptions extends Omit<LoadOptions, 'flags'> {
  /** Seals a secret for its place. */
  readonly seal: (path: string, text: string) => string
}

/** `text` is JSON5 or plain text, read as the schema expects it. Throws `config/unknown-key`, `config/invalid`, `config/unreadable`. */
export async function setConfig(options: EditOptions, path: string, text: string): Promise<void> {
  const root = placeOf(composeSchema(options.sections))
  const { segments, place } = findPlace(root, path) ?? refusePath(root, path)
  if (segments.length === 0) throw new AppError('config/unknown-key', 'name a key')
  const value = sealAll(
    readText(text, place.expected, (source) => json5.parse<unknown>(source)),
    place,
    segments,
    options.seal,
  )
  await change(options, segments, value)
}

/** Takes a key out of the file, known or not. Throws `config/unknown-key` where neither the file nor the schema has it. */
export async function unsetConfig(options: EditOptions, path: string): Promise<void> {
  const root = placeOf(composeSchema(options.sections))
  const source = readSourceFile(options.file)
  const segments = source === null ? null : pathIn(await parseSource(options.file, source.text), path.split('.', 33))
  if (segments !== null) return await change(options, segments, undefined)
  if (findPlace(root, path) === null) refusePath(root, path)
}

function change(options: EditOptions, segments: readonly string[], value: JsonValue | undefined): Promise<void> {
  return changeFile(options, (before) => changeText(before, segments, value))
}

/** Replaces the whole text while nobody else does; what is invalid afterwards is not written, and neither is what did not change. */
export async function changeFile(options: EditOptions, edit: (before: string) => string): Promise<void> {
  // The file goes where a link in its place points to, so that the link stays.
  const file = await realpath(options.file).catch(() => options.file)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await withFileLock(`${file}.lock`, async () => {
    const found = readSourceFile(file)
    const before = found?.text ?? ''
    // Refuses what cannot be parsed, with its position.
    await parseSource(file, before)
    const text = edit(before)
    if (found !== null && text === before) return
    await checkConfig(options, text)
    await atomicWrite(file, text)
  })
}

/** Seals every text that the schema calls a secret, wherever it stands in the value; references to variables and sealed texts stay. */
function sealAll(value: JsonValue, place: Place | null, path: readonly string[], seal: EditOptions['seal']): JsonValue {
  if (typeof value === 'string') {
    const open = place?.secret === true && value !== '' && !isReference(value) && !value.startsWith(SEALED_PREFIX)
    return open ? seal(path.join('.'), value) : value
  }
  const below = (member: JsonValue, key: string) => sealAll(member, place === null ? null : childOf(place, key), [...path, key], seal)
  if (isArray(value)) return value.map((member, index) => below(member, String(index)))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, below(member, key)]))
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The members that a dotted path names in the data itself; names may hold dots. */
function pathIn(data: unknown, words: readonly string[]): readonly string[] | null {
  if (words.length === 0) return []
  if (!isObject(data)) return null
  for (let taken = 1; taken <= words.length; taken++) {
    const key = words.slice(0, taken).join('.')
    const rest = Object.hasOwn(data, key) ? pathIn(data[key], words.slice(taken)) : null
    if (rest !== null) return [key, ...rest]
  }
  return null
}
