/**
 * Erases a conversation: its rows, the notes that it wrote, the copies of what it replaced, the copies of the database from before upgrades, and what any of these left in free pages, in the index of words
 * and in the write-ahead log. The rows go in one commit, which also notes that the leftovers are to be swept: ended in between, the next start does it.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Database, Erased, ErasePlaces, Statement } from '../contracts/store.ts'
import { conversationTables, idOf, notesOf, standingNotes } from './conversation-data.ts'
import { LEFTOVERS } from './convert-texts.ts'
import { isObject, json, text, textOrNull } from './rows.ts'
import { copyFile } from './undo-copies.ts'

const MARK = 'erasing'
const TURNS = 'SELECT id FROM turns WHERE session_id = $1 UNION SELECT turn_id AS id FROM entries WHERE session_id = $1'

export async function eraseConversation(database: Database, key: string, places: ErasePlaces): Promise<Erased | null> {
  const id = await idOf(database, key)
  if (id === null) return null
  for (const sql of LEFTOVERS[database.engine].prepare) await database.query(sql, [])
  const written = await notesOf(database, id)
  const notes = await standingNotes(database, written)
  const turns = new Set((await database.query(TURNS, [id])).map((row) => textOrNull(row, 'id')))
  const copies = (await database.query('SELECT copy FROM undo_steps WHERE session_id = $1 AND copy IS NOT NULL', [id])).map((row) => text(row, 'copy'))
  const statements: Statement[] = [
    { sql: 'INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value', params: [MARK, 'yes'] },
    // A run of a job tells what its turn answered; the job itself is the owner's.
    { sql: `UPDATE job_runs SET note = NULL WHERE turn_id IN (${TURNS})`, params: [id] },
    // Where its turns go on, whoever erases has cancelled it.
    { sql: 'DELETE FROM tasks WHERE session_key = $1', params: [key] },
    ...(database.engine === 'postgres' ? [{ sql: `DELETE FROM turn_events WHERE turn_id IN (${TURNS})`, params: [id] }] : []),
    // Sums stay what they were, of nobody.
    { sql: 'UPDATE usage SET session_id = NULL WHERE session_id = $1', params: [id] },
    ...['entries', ...conversationTables.filter((table) => table !== 'usage')].map((table) => ({
      sql: `DELETE FROM ${table} WHERE session_id = $1`,
      params: [id],
    })),
    ...notes.map((note) => ({ sql: 'DELETE FROM memory WHERE key = $1', params: [note.key] })),
    ...(await stepsThatReplaced(database, written)).map((step) => ({ sql: 'DELETE FROM undo_steps WHERE id = $1', params: [step] })),
    ...(await shadowOf(database, turns)).map((call) => ({ sql: 'DELETE FROM shadow_calls WHERE id = $1', params: [call] })),
    // A turn that runs still has its row, and nothing may be added to what is gone.
    { sql: 'DELETE FROM sessions WHERE id = $1', params: [id], expectChanges: 1 },
  ]
  await database.commit(statements)
  for (const copy of copies) for (const isSealed of [true, false]) await rm(join(places.copies, copyFile(copy, isSealed)), { force: true })
  await rm(places.backups, { recursive: true, force: true })
  await sweep(database)
  return { notes: notes.map((note) => note.key), copies: copies.length }
}

/** Ends what an earlier process began. */
export async function finishErasing(database: Database): Promise<void> {
  const [row] = await database.query('SELECT value FROM meta WHERE name = $1', [MARK])
  if (row === undefined) return
  for (const sql of LEFTOVERS[database.engine].prepare) await database.query(sql, [])
  await sweep(database)
}

async function sweep(database: Database): Promise<void> {
  for (const sql of LEFTOVERS[database.engine].sweep) {
    const [result] = await database.query(sql, [])
    // Somebody reads an old state just now: the log cannot be emptied.
    if (result !== undefined && result['busy'] === 1)
      throw new AppError('store/unavailable', 'it was erased, but another program still reads what was there', {
        hint: 'Close it; the next start, or `cara data erase` of another conversation, ends it',
      })
  }
  await database.commit([{ sql: 'DELETE FROM meta WHERE name = $1', params: [MARK] }])
}

/** Steps of other conversations that would bring back a note of this one. */
async function stepsThatReplaced(database: Database, written: readonly { readonly key: string; readonly value: string }[]): Promise<readonly string[]> {
  if (written.length === 0) return []
  const known = new Set(written.map(({ key, value }) => JSON.stringify([key, value])))
  const rows = await database.query('SELECT id, change FROM undo_steps ORDER BY position', [])
  return rows.flatMap((row) => {
    const id = text(row, 'id')
    const change = json(database.texts.open('undo_steps.change', id, text(row, 'change')), isObject)
    const { kind, key, before } = change
    return kind === 'memory' && isObject(before) && known.has(JSON.stringify([key, before['value']])) ? [id] : []
  })
}

async function shadowOf(database: Database, turns: ReadonlySet<string | null>): Promise<readonly string[]> {
  const rows = await database.query('SELECT id, data FROM shadow_calls', [])
  return rows.flatMap((row) => {
    const id = text(row, 'id')
    const { turnId } = json(database.texts.open('shadow_calls.data', id, text(row, 'data')), isObject)
    return typeof turnId === 'string' && turns.has(turnId) ? [id] : []
  })
}
