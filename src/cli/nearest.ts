import { nearestOf } from '../std/nearest.ts'

/** `Did you mean …?` for a word that is none of the known ones; nothing when no known word is near or begins with it. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const best = nearestOf(word, known)[0] ?? known.find((candidate) => word.replaceAll('-', '').length > 1 && candidate.startsWith(word))
  return best === undefined ? undefined : `Did you mean ${best}?`
}
