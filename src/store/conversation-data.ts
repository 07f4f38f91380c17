/** Everything that is kept about one conversation: to be shown, taken along, or erased (erase-conversation.ts). */
import type { ConversationData, ConversationFacts, ConversationKind, Database, Row, SqlValue } from '../contracts/store.ts'
import { isObject, isMessage, json, text, textOrNull, integer } from './rows.ts'
import { entryRow, sealedColumns } from './sealed-columns.ts'

/** Tables whose rows name their conversation, but the conversation itself and its lines. A line for each; a test looks for one that is missing. */
export const conversationTables = ['turns', 'approvals', 'grants', 'refusals', 'undo_steps', 'outbox', 'usage'] as const satisfies readonly ConversationKind[]

interface Place {
  readonly where: string
  readonly by: 'id' | 'key' | null
  readonly order: string
}

const inside: Place = { where: 'session_id = $1', by: 'id', order: 'position' }
/** What runs in the conversation, where the others are found otherwise. */
const places: Partial<Record<ConversationKind, Place>> = {
  usage: { ...inside, order: 'at, turn_id' },
  tasks: { where: 'session_key = $1', by: 'key', order: 'created_at, id' },
  // Their conversation stands in what is sealed.
  jobs: { where: 'id IS NOT NULL', by: null, order: 'created_at, id' },
  job_runs: { where: 'turn_id IN (SELECT id FROM turns WHERE session_id = $1)', by: 'id', order: 'due_at, job_id' },
}

const MAX_BYTES = 512 * 1024
const ROWS_AT_ONCE = 50

export interface WrittenNote {
  readonly key: string
  readonly value: string
}

export async function idOf(database: Database, key: string): Promise<string | null> {
  const [row] = await database.query('SELECT id FROM sessions WHERE key = $1', [key])
  return row === undefined ? null : text(row, 'id')
}

export async function conversationFacts(database: Database, key: string): Promise<ConversationFacts | null> {
  const id = await idOf(database, key)
  if (id === null) return null
  const count = async (table: string) => {
    const [row] = await database.query(`SELECT count(*) AS n FROM ${table} WHERE session_id = $1`, [id])
    return row === undefined ? 0 : integer(row, 'n')
  }
  const rows: Record<string, number> = { lines: await count('entries') }
  for (const table of conversationTables) rows[table] = await count(table)
  const [tasks] = await database.query('SELECT count(*) AS n FROM tasks WHERE session_key = $1', [key])
  rows['tasks'] = tasks === undefined ? 0 : integer(tasks, 'n')
  return { key, rows, notes: (await standingNotes(database, await notesOf(database, id))).map((note) => note.key) }
}

/** A page of one kind, as objects; `next` is null at its end. */
export async function conversationData(database: Database, key: string, kind: ConversationKind, offset: number): Promise<ConversationData | null> {
  const id = await idOf(database, key)
  if (id === null) return null
  if (kind === 'notes') {
    const notes = (await standingNotes(database, await notesOf(database, id))).map(({ key: name, value }) => ({ key: name, value }))
    return { rows: notes, next: null }
  }
  const { where, by, order } = places[kind] ?? inside
  const params = by === null ? [] : [by === 'key' ? key : id]
  const rows = await database.query(`SELECT * FROM ${kind} WHERE ${where} ORDER BY ${order} LIMIT ${ROWS_AT_ONCE} OFFSET $${params.length + 1}`, [
    ...params,
    offset,
  ])
  const page: ConversationData['rows'][number][] = []
  let bytes = 0
  let read = 0
  for (const row of rows) {
    const opened = openRow(database, kind, row)
    if (kind !== 'jobs' || runsIn(key, opened)) {
      bytes += JSON.stringify(opened).length
      if (page.length > 0 && bytes > MAX_BYTES) break
      page.push(opened)
    }
    read++
  }
  return { rows: page, next: read < rows.length || rows.length === ROWS_AT_ONCE ? offset + read : null }
}

function runsIn(key: string, job: Row): boolean {
  return json(text(job, 'data'), isObject)['sessionKey'] === key
}

function openRow(database: Database, table: string, row: Row): Readonly<Record<string, SqlValue>> {
  const opened: Record<string, SqlValue> = { ...row }
  for (const sealed of sealedColumns) {
    if (sealed.table !== table) continue
    const stored = textOrNull(row, sealed.column)
    // What a turn of a conversation was asked stands in its lines.
    if (stored !== null && !(table === 'turns' && stored === '{}'))
      opened[sealed.column] = database.texts.open(`${table}.${sealed.column}`, sealed.row(row), stored)
  }
  return opened
}

/** What the conversation had remembered, by its lines and by what can be taken back. */
export async function notesOf(database: Database, id: string): Promise<readonly WrittenNote[]> {
  const written: WrittenNote[] = []
  for (let last = -1; ;) {
    const rows = await database.query(
      `SELECT id, turn_id, kind, data, at FROM entries WHERE session_id = $1 AND id > $2 AND kind = 'assistant' ORDER BY id LIMIT ${ROWS_AT_ONCE}`,
      [id, last],
    )
    for (const row of rows) {
      last = integer(row, 'id')
      const { parts } = json(
        database.texts.open('entries.data', entryRow(textOrNull(row, 'turn_id'), 'assistant', integer(row, 'at')), text(row, 'data')),
        isMessage,
      )
      for (const part of parts) {
        if (part.type !== 'tool-call' || part.tool !== 'memory_write' || !isObject(part.input)) continue
        const { key, value } = part.input
        if (typeof key === 'string' && typeof value === 'string') written.push({ key, value })
      }
    }
    if (rows.length < ROWS_AT_ONCE) return written
  }
}

/** Those that still say what the conversation made them say. */
export async function standingNotes(database: Database, written: readonly WrittenNote[]): Promise<readonly WrittenNote[]> {
  const standing = new Map<string, WrittenNote>()
  for (const note of written) {
    const [row] = await database.query('SELECT key, value FROM memory WHERE key = $1', [note.key])
    if (row !== undefined && database.texts.open('memory.value', note.key, text(row, 'value')) === note.value) standing.set(note.key, note)
  }
  return [...standing.values()]
}
