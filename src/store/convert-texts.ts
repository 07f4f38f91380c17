/**
 * Seals the texts of a database, or opens them again, and leaves no old form of one behind: not in free pages, not in the index of words, not in the write-ahead log. Ended at any moment
 * it goes on at the next start: `meta` says which way, and each text says by itself which form it has.
 */
import type { Database, SqlValue, Statement } from '../contracts/store.ts'
import { integer, textOrNull } from './rows.ts'
import { convertCopies } from './undo-copies.ts'
import { sealedColumns, type SealedColumn } from './sealed-columns.ts'
import type { TextState } from './text-state.ts'
import type { SwitchableTexts } from './texts.ts'

const ROWS_AT_ONCE = 100

export async function convertTexts(
  database: Database,
  texts: SwitchableTexts,
  key: Buffer,
  to: 'plain' | 'sealed',
  copies: string | null,
  onStep: () => void = () => undefined,
): Promise<void> {
  texts.become('mixed', key)
  // Zeroes what a change leaves in its page.
  await database.query('PRAGMA secure_delete = ON', [])
  await note(database, to === 'sealed' ? 'sealing' : 'opening')
  onStep()
  for (const column of sealedColumns) await convertColumn(database, texts, column, to, onStep)
  if (copies !== null) await convertCopies(copies, texts, to, onStep)
  // The index of words drops nothing by itself, and pages that were given up still hold what they held.
  await database.commit([{ sql: `INSERT INTO memory_words (memory_words) VALUES ('rebuild')`, params: [] }])
  onStep()
  await database.query('VACUUM', [])
  onStep()
  await database.query('PRAGMA wal_checkpoint(TRUNCATE)', [])
  await note(database, to)
  onStep()
  texts.become(to, to === 'plain' ? null : key)
}

async function convertColumn(
  database: Database,
  texts: SwitchableTexts,
  { table, column, identity, row: rowOf }: SealedColumn,
  to: 'plain' | 'sealed',
  onStep: () => void,
) {
  for (let last = -1; ;) {
    const rows = await database.query(
      `SELECT rowid AS position, ${[...identity, column].join(', ')} FROM ${table} WHERE rowid > $1 AND ${column} IS NOT NULL ORDER BY rowid LIMIT ${ROWS_AT_ONCE}`,
      [last],
    )
    const changes: Statement[] = []
    for (const row of rows) {
      last = integer(row, 'position')
      const stored = textOrNull(row, column)
      if (stored === null) continue
      const place = `${table}.${column}`
      const plain = texts.open(place, rowOf(row), stored)
      const isSealed = plain !== stored
      if (isSealed === (to === 'sealed')) continue
      const value: SqlValue = to === 'sealed' ? texts.sealed(place, rowOf(row), plain) : plain
      changes.push({ sql: `UPDATE ${table} SET ${column} = $2 WHERE rowid = $1`, params: [last, value], expectChanges: 1 })
    }
    if (changes.length > 0) await database.commit(changes)
    onStep()
    if (rows.length < ROWS_AT_ONCE) return
  }
}

function note(database: Database, state: TextState): Promise<void> {
  return database.commit([
    { sql: 'INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value', params: ['texts', state] },
  ])
}
