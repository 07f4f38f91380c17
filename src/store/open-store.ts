/** Opens the store of a state folder: engine, schema, and the parts that read and write it. */
import type { Database, Store } from '../contracts/store.ts'
import { createMemoryStore } from './memory.ts'
import { migrate } from './migrations.ts'
import { createSessionStore } from './sessions.ts'
import { openSqlite, type SqliteOptions } from './sqlite-database.ts'
import { createTurnStore } from './turns.ts'
import { createUndoStore } from './undo-steps.ts'
import { createUsageStore } from './usage.ts'

export async function openStore(options: SqliteOptions): Promise<Store> {
  const database = openSqlite(options)
  try {
    await migrate(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return storeOver(database)
}

/** The parts of the store over an engine whose schema stands. */
export function storeOver(database: Database): Store {
  return {
    sessions: createSessionStore(database),
    turns: createTurnStore(database),
    memory: createMemoryStore(database),
    usage: createUsageStore(database),
    undo: createUndoStore(database),
    check: () => database.check(),
    size: () => database.size(),
    faults: () => database.faults(),
    close: () => database.close(),
  }
}
