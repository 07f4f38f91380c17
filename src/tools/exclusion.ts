/** Which paths inside the roots the owner has excluded. Case and characters that draw nothing are ignored: some file systems ignore them too. */
import { matchesGlob, relative, sep } from 'node:path'

type Excludes = (steps: readonly string[]) => boolean

const compiled = new WeakMap<readonly string[], Excludes>()

/** Whether a pattern covers the path or a folder on the way to it. */
export function isExcludedBelow(root: string, path: string, patterns: readonly string[]): boolean {
  const way = relative(root, path)
  if (way === '') return false
  let excludes = compiled.get(patterns)
  if (excludes === undefined) compiled.set(patterns, (excludes = compile(patterns)))
  return excludes(fold(way).split(sep))
}

function compile(patterns: readonly string[]): Excludes {
  const literal: string[][] = []
  const globs: string[] = []
  for (const pattern of patterns.map(fold)) {
    // `**/NAMES/**` and `**/NAMES` without a wildcard are most of them, and quick to compare.
    const [, names] = /^\*\*\/([^*?[\]{}!()+@\\]+?)(?:\/\*\*)?$/.exec(pattern) ?? []
    if (names !== undefined) literal.push(names.split('/'))
    // `dir/**` covers `dir` itself too.
    else globs.push(pattern, ...(pattern.endsWith('/**') ? [pattern.slice(0, -3)] : []))
  }
  return (steps) =>
    literal.some((names) => holdsRow(steps, names)) ||
    (globs.length > 0 && steps.some((_step, index) => globs.some((glob) => matchesGlob(steps.slice(0, index + 1).join('/'), glob))))
}

function holdsRow(steps: readonly string[], names: readonly string[]): boolean {
  return steps.some((_step, at) => names.every((name, index) => steps[at + index] === name))
}

function fold(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
}
