/** Looks at a database without changing it, while a gateway uses it or while none does: whether it is sound, and what it holds. */
import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Database } from '../contracts/store.ts'
import { SCHEMA, schemaOf } from './migrations.ts'
import { checkAll } from './open-store.ts'
import { retentionRules, type RetentionRule } from './retention.ts'
import { integer, text } from './rows.ts'
import { openSqlite } from './sqlite-database.ts'
import { readTextState } from './text-state.ts'
import { createTexts } from './texts.ts'
import { copyName } from './undo-copies.ts'

export interface InspectOptions {
  readonly path: string
  readonly url?: string | undefined
  /** The folder of copies of replaced files. */
  readonly copies: string
  /** The folder of copies from before upgrades. */
  readonly backups: string
  /** Opens sealed texts; asked for where there are some. */
  readonly key: () => Buffer
}

export interface DatabaseFacts {
  /** Its name. */
  readonly engine: 'SQLite' | 'PostgreSQL'
  /** Of the database, and of this program. */
  readonly schema: number
  readonly newest: number
  readonly bytes: number
  readonly texts: 'plain' | 'sealed' | 'changing'
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly rule: RetentionRule }[]
  /** Copies from before upgrades, oldest first. */
  readonly backups: readonly { readonly file: string; readonly bytes: number }[]
}

export interface Inspection {
  check(): Promise<readonly string[]>
  facts(): Promise<DatabaseFacts>
  close(): Promise<void>
}

/** Throws `store/unavailable` where there is none, `store/newer`, `store/corrupt`. */
export async function inspectStore(options: InspectOptions): Promise<Inspection> {
  const { path, url, copies, backups } = options
  const texts = createTexts()
  if (url === undefined && !existsSync(path))
    throw new AppError('store/unavailable', 'there is none yet', { hint: 'It begins with the first start: cara start' })
  const database =
    url === undefined
      ? openSqlite({ path, synchronous: 'normal', texts, readOnly: true })
      : await (await import('./postgres-database.ts')).openPostgres({ url, texts })
  try {
    const schema = await schemaOf(database)
    if (schema > SCHEMA) throw new AppError('store/newer', undefined, { hint: 'Use the newer carapace' })
    const state = await readTextState(database)
    if (state !== 'plain') texts.become(state === 'sealed' ? 'sealed' : 'mixed', options.key())
    return {
      async check() {
        // The laws are those of the newest schema.
        if (schema < SCHEMA) return database.check()
        return [...(await checkAll(database)), ...(await checkCopies(database, copies))]
      },
      facts: async () => ({
        engine: database.engine === 'sqlite' ? 'SQLite' : 'PostgreSQL',
        schema,
        newest: SCHEMA,
        bytes: await database.size(),
        texts: state === 'plain' || state === 'sealed' ? state : 'changing',
        tables: schema < SCHEMA ? [] : await countRows(database),
        backups: await listBackups(backups),
      }),
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Every write that can be taken back has its copy. One that went meanwhile has no row any more. */
async function checkCopies(database: Database, folder: string): Promise<readonly string[]> {
  const there = new Set((await readdir(folder).catch(() => [])).map(copyName))
  const wanted = async () =>
    (await database.query('SELECT id, copy FROM undo_steps WHERE copy IS NOT NULL ORDER BY id', [])).map((row) => [text(row, 'id'), text(row, 'copy')] as const)
  const missing = (await wanted()).filter(([, copy]) => !there.has(copy))
  if (missing.length === 0) return []
  const still = new Set((await wanted()).map(([id]) => id))
  const ids = missing.map(([id]) => id).filter((id) => still.has(id))
  return ids.length === 0 ? [] : [`the copy of a replaced file is gone: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' and more' : ''}`]
}

async function countRows(database: Database): Promise<DatabaseFacts['tables']> {
  const counted: DatabaseFacts['tables'][number][] = []
  for (const rule of retentionRules) {
    // An index of words has no rows of its own.
    if (rule.table === 'memory_words' || (rule.on ?? database.engine) !== database.engine) continue
    const [row] = await database.query(`SELECT count(*) AS n FROM ${rule.table}`, [])
    counted.push({ table: rule.table, rows: row === undefined ? 0 : integer(row, 'n'), rule })
  }
  return counted
}

async function listBackups(folder: string): Promise<DatabaseFacts['backups']> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.db')).toSorted()
  return names.map((name) => ({ file: join(folder, name), bytes: statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0 }))
}
