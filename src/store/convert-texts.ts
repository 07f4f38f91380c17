/**
 * Seals the texts of a database, or opens them again, and leaves no old form of one behind: not in free pages, not in the index of words, not in the write-ahead log. Ended at any moment
 * it goes on at the next start: `meta` says which way, and each text says by itself which form it has.
 */
import type { Database, SqlValue, Statement } from '../contracts/store.ts'
import { integer, text, textOrNull } from './rows.ts'
import { convertCopies } from './undo-copies.ts'
import { sealedColumns, type SealedColumn } from './sealed-columns.ts'
import type { TextState } from './text-state.ts'
import type { SwitchableTexts } from './texts.ts'

const ROWS_AT_ONCE = 100

/** What changed rows leave behind, and how it goes. */
export const LEFTOVERS = {
  sqlite: {
    // Zeroes what a change leaves in its page.
    prepare: ['PRAGMA secure_delete = ON'],
    // The index of words drops nothing by itself, and pages that were given up still hold what they held.
    sweep: [`INSERT INTO memory_words (memory_words) VALUES ('rebuild')`, 'VACUUM', 'PRAGMA wal_checkpoint(TRUNCATE)'],
  },
  // The write-ahead log and the backups of the server are its administrator's.
  postgres: { prepare: ['TRUNCATE turn_events, work_events', `DELETE FROM meta WHERE name = 'texts-key'`], sweep: ['VACUUM FULL'] },
} as const

/** Where a row lies, as a text or number that a later one exceeds. A row of PostgreSQL that changes moves on, and is met again as one that has changed already. */
const PLACE_OF_ROW = {
  sqlite: { select: 'rowid', after: 'rowid > $1', order: 'rowid', is: 'rowid = $1', first: -1 },
  postgres: { select: 'ctid::text', after: 'ctid > $1::text::tid', order: 'ctid', is: 'ctid = $1::text::tid', first: '(0,0)' },
} as const

export async function convertTexts(
  database: Database,
  texts: SwitchableTexts,
  key: Buffer,
  to: 'plain' | 'sealed',
  copies: string | null,
  onStep: () => void = () => undefined,
): Promise<void> {
  texts.become('mixed', key)
  const { prepare, sweep } = LEFTOVERS[database.engine]
  for (const sql of prepare) await database.query(sql, [])
  await note(database, to === 'sealed' ? 'sealing' : 'opening')
  onStep()
  for (const column of sealedColumns) await convertColumn(database, texts, column, to, onStep)
  if (copies !== null) await convertCopies(copies, texts, to, onStep)
  for (const sql of sweep) {
    await database.query(sql, [])
    onStep()
  }
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
  const at = PLACE_OF_ROW[database.engine]
  for (let last: string | number = at.first; ;) {
    const rows = await database.query(
      `SELECT ${at.select} AS place, ${[...identity, column].join(', ')} FROM ${table} WHERE ${at.after} AND ${column} IS NOT NULL
        ORDER BY ${at.order} LIMIT ${ROWS_AT_ONCE}`,
      [last],
    )
    const changes: Statement[] = []
    for (const row of rows) {
      last = database.engine === 'sqlite' ? integer(row, 'place') : text(row, 'place')
      const stored = textOrNull(row, column)
      if (stored === null) continue
      const place = `${table}.${column}`
      const plain = texts.open(place, rowOf(row), stored)
      const isSealed = plain !== stored
      if (isSealed === (to === 'sealed')) continue
      const value: SqlValue = to === 'sealed' ? texts.sealed(place, rowOf(row), plain) : plain
      changes.push({ sql: `UPDATE ${table} SET ${column} = $2 WHERE ${at.is}`, params: [last, value], expectChanges: 1 })
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
