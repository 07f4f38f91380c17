/** Typed look-ups in a GGUF file's metadata. */
import type { Gguf, GgufValue } from './gguf.ts'
import { ModelFileError } from './model-file-error.ts'

export function numberOf(file: Gguf, key: string, fallback?: number): number {
  const value = file.metadata.get(key) ?? fallback
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ModelFileError(`its metadata lacks the number ${key}`)
  return value
}

/** A whole number from 1 to `most`. */
export function sizeOf(file: Gguf, key: string, most: number, fallback?: number): number {
  const value = numberOf(file, key, fallback)
  if (!Number.isInteger(value) || value < 1 || value > most) throw new ModelFileError(`its ${key} is out of range`)
  return value
}

export function textOf(file: Gguf, key: string): string {
  const value = file.metadata.get(key)
  if (typeof value !== 'string') throw new ModelFileError(`its metadata lacks the text ${key}`)
  return value
}

export function textsOf(file: Gguf, key: string): readonly string[] {
  return listOf(file, key, (value) => typeof value === 'string')
}

export function numbersOf(file: Gguf, key: string): readonly number[] {
  return listOf(file, key, (value) => typeof value === 'number')
}

function listOf<T extends GgufValue>(file: Gguf, key: string, fits: (value: GgufValue) => value is T): readonly T[] {
  const value = file.metadata.get(key)
  if (!Array.isArray(value)) throw new ModelFileError(`its metadata lacks the list ${key}`)
  const list: readonly GgufValue[] = value
  if (!list.every(fits)) throw new ModelFileError(`its list ${key} is not valid`)
  return list
}
