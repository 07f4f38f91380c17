import { AppError } from '../contracts/errors.ts'
import type { Origin } from '../contracts/origin.ts'
import type { Database, MemoryRecord, MemoryStore, Row, Texts } from '../contracts/store.ts'
import { integer, isObject, json, text } from './rows.ts'
import { plainWord } from './plain-word.ts'

const KEY_BYTES = 1024
const VALUE_BYTES = 64 * 1024
const STORE_BYTES = 4 * 1024 * 1024
/** What a sealed value holds: without its prefix, nonce and tag, and base64 undone. */
const SEALED_BYTES = '(length(value) - 7) * 3 / 4 - 28'
const COLUMNS = 'memory.key AS key, memory.value AS value, memory.origin AS origin, memory.created_at AS created_at, memory.updated_at AS updated_at'

/** Rows whose key or value has a word that begins like one of ours, the best first. */
const INDEX_OF_WORDS = {
  sqlite: {
    from: 'memory_words JOIN memory ON memory.id = memory_words.rowid WHERE memory_words MATCH $1 ORDER BY bm25(memory_words), memory.id',
    match: (words: readonly string[]) => words.map((word) => `"${word}"*`).join(' OR '),
  },
  postgres: {
    from: `memory, to_tsquery('simple', $1) AS wanted WHERE words @@ wanted ORDER BY ts_rank(words, wanted, 1) DESC, memory.id`,
    match: (words: readonly string[]) => words.map((word) => `'${plainWord(word)}':*`).join(' | '),
  },
} as const

export function createMemoryStore(database: Database): MemoryStore {
  const { texts } = database
  const toRecord = (row: Row): MemoryRecord => recordOf(row, texts)
  return {
    async write({ key, value, origin, now }) {
      if (Buffer.byteLength(key) > KEY_BYTES) throw new AppError('memory/too-large', 'a key holds 1 KiB')
      if (Buffer.byteLength(value) > VALUE_BYTES) throw new AppError('memory/too-large', 'a value holds 64 KiB', { hint: 'Split it over several keys' })
      const rows = await database.query(
        `SELECT coalesce(sum(octet_length(key) + ${texts.isSealed ? SEALED_BYTES : 'octet_length(value)'}), 0) AS bytes FROM memory WHERE key <> $1`,
        [key],
      )
      const used = rows[0] === undefined ? 0 : integer(rows[0], 'bytes')
      if (used + Buffer.byteLength(key) + Buffer.byteLength(value) > STORE_BYTES)
        throw new AppError('memory/full', 'it holds 4 MiB', { hint: 'Delete records that are not needed' })
      await database.commit([
        {
          sql: `INSERT INTO memory (key, value, origin, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, origin = excluded.origin, updated_at = excluded.updated_at`,
          params: [key, texts.seal('memory.value', key, value), JSON.stringify(origin), now],
        },
      ])
    },
    async read(key) {
      const rows = await database.query(`SELECT ${COLUMNS} FROM memory WHERE key = $1`, [key])
      return rows[0] === undefined ? null : toRecord(rows[0])
    },
    async list({ prefix = '', limit }) {
      // A range instead of LIKE: exact bytes, and the index on key serves it.
      const rows = await database.query(`SELECT ${COLUMNS} FROM memory WHERE key >= $1 AND substr(key, 1, length($1)) = $1 ORDER BY key LIMIT $2`, [
        prefix,
        limit,
      ])
      return rows.map(toRecord)
    },
    async search(query, limit) {
      const words = query.match(/[\p{L}\p{N}]+/gu)?.slice(0, 16) ?? []
      if (words.length === 0) return []
      if (texts.isSealed) {
        // All of it is 4 MiB at most.
        const rows = await database.query(`SELECT ${COLUMNS} FROM memory ORDER BY id`, [])
        const { searchTexts } = await import('./search-texts.ts')
        return searchTexts(rows.map(toRecord), words, limit)
      }
      const { from, match } = INDEX_OF_WORDS[database.engine]
      const rows = await database.query(`SELECT ${COLUMNS} FROM ${from} LIMIT $2`, [match(words), limit])
      return rows.map(toRecord)
    },
    async delete(key) {
      const known = await database.query('SELECT 1 AS found FROM memory WHERE key = $1', [key])
      if (known.length === 0) return false
      await database.commit([{ sql: 'DELETE FROM memory WHERE key = $1', params: [key] }])
      return true
    },
  }
}

function recordOf(row: Row, texts: Texts): MemoryRecord {
  const key = text(row, 'key')
  return {
    key,
    value: texts.open('memory.value', key, text(row, 'value')),
    origin: json(text(row, 'origin'), isOrigin),
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  }
}

function isOrigin(value: unknown): value is Origin {
  return (
    isObject(value) && isObject(value['author']) && (value['trust'] === 'trusted' || value['trust'] === 'untrusted') && typeof value['private'] === 'boolean'
  )
}
