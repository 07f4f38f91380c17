import { plainWord } from './plain-word.ts'

/** Search over opened texts, where an index on the disk would hold their words: a record is found by the beginning of any word of the query, rare words counting more. */
export interface Searchable {
  readonly key: string
  readonly value: string
}

const WORD = /[\p{L}\p{N}]+/gu

function wordsOf(text: string): readonly string[] {
  return plainWord(text).match(WORD) ?? []
}

/** Best first. */
export function searchTexts<T extends Searchable>(records: readonly T[], words: readonly string[], limit: number): readonly T[] {
  const wanted = words.flatMap(wordsOf)
  const counted = records.map((record) => {
    const has = wordsOf(`${record.key} ${record.value}`)
    return { record, length: has.length, hits: wanted.map((word) => has.filter((each) => each.startsWith(word)).length) }
  })
  const weights = wanted.map((_, at) => Math.log(1 + records.length / (1 + counted.filter(({ hits }) => (hits[at] ?? 0) > 0).length)))
  return counted
    .map(({ record, length, hits }) => ({
      record,
      score: hits.reduce((sum, count, at) => sum + (count === 0 ? 0 : ((weights[at] ?? 0) * count) / (count + 1 + length / 100)), 0),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ record }) => record)
}
