/** Everything that is wrong with a configuration, said at once and without repeating a value: values may be secrets. */
import type * as z from 'zod/mini'
import { AppError } from '../contracts/errors.ts'
import { nearestOf } from '../std/nearest.ts'
import { findPlace, keysOf, listKeys, type Place } from './places.ts'

export interface Problem {
  readonly path: readonly string[]
  readonly message: string
}

const SHOWN = 20
const pathText = (path: readonly string[]) => path.join('.').slice(0, 200)

/** One problem for each unknown key, one for each other issue. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], root: Place): readonly Problem[] {
  return issues.flatMap((issue): readonly Problem[] => {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(root, path, key) }))
    if (issue.code === 'invalid_key') return [{ path, message: `this name cannot be used: ${issue.issues.map((each) => each.message).join(', ')}` }]
    if (issue.code === 'invalid_union') return [{ path, message: 'this value fits none of the forms it may have' }]
    return [{ path, message: issue.message }]
  })
}

/** Says that a key is not known, and which one was probably meant. */
export function unknownKey(root: Place, parent: readonly string[], key: string): string {
  const meant = meantBy(root, parent, key)
  return meant === null ? 'there is no such key' : `there is no such key; did you mean ${meant}?`
}

/** The nearest key beside it, else a key of that name elsewhere. */
export function meantBy(root: Place, parent: readonly string[], key: string): string | null {
  const at = (name: string) => [...parent, name].join('.')
  const place = findPlace(root, parent.join('.'))
  const [beside] = nearestOf(key, place === null ? [] : keysOf(place.place))
  if (beside !== undefined) return at(beside)
  const elsewhere = listKeys(root).find((each) => each.path.split('.').at(-1) === key && !each.path.includes('NAME'))
  return elsewhere?.path ?? null
}

/** `origins` names where a value came from; `lines` gives the line of a path in the file. */
export function configInvalid(
  file: string,
  problems: readonly Problem[],
  origins: (path: string) => string | null,
  lines: (path: readonly string[]) => number | null,
): AppError {
  const told = problems.slice(0, SHOWN).map(({ path, message }) => {
    const line = lines(path)
    const from = origins(pathText(path)) ?? (line === null ? null : `line ${line}`)
    return `\n  ${pathText(path) || '(file)'}${from === null ? '' : ` (${from})`}: ${message}`
  })
  const more = problems.length > SHOWN ? `\n  … and ${problems.length - SHOWN} more` : ''
  return new AppError('config/invalid', `${file}${told.join('')}${more}`, { hint: 'cara config validate checks the file again' })
}
