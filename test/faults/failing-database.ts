/** A database that fails where a test says: before anything is written, after it is written and before it is flushed, or after it is kept and before anybody is told. */
import { AppError } from '../../src/contracts/errors.ts'
import type { Database, Statement, Written } from '../../src/contracts/store.ts'

export type Failure = 'unwritten' | 'unflushed' | 'unanswered'

export interface FailingDatabase extends Database {
  /** Writes that were tried so far. */
  tried(): number
}

/** `failsAt` is asked at every write, counted from 1. */
export function failingDatabase(database: Database, failsAt: (write: number) => Failure | null): FailingDatabase {
  let tried = 0
  let lastFailed = 0
  let faults: readonly string[] = []
  const fail = () => {
    const error = new AppError('store/unavailable', 'this write fails')
    faults = [error.message]
    return error
  }
  async function write(statements: readonly Statement[]): Promise<Written> {
    const number = ++tried
    const failure = failsAt(number)
    if (failure !== null) lastFailed = number
    if (failure === 'unwritten') throw fail()
    const { durable } = await database.write(statements)
    if (failure === 'unanswered') {
      await durable()
      throw fail()
    }
    if (failure === null) {
      // A write that began before the failure ended after it: that mends nothing.
      if (number > lastFailed) faults = []
      return { durable }
    }
    return {
      async durable() {
        await durable()
        throw fail()
      },
    }
  }
  return {
    texts: database.texts,
    isShared: database.isShared,
    engine: database.engine,
    signals: database.signals,
    query: (sql, params) => database.query(sql, params),
    write,
    commit: async (statements) => (await write(statements)).durable(),
    check: () => database.check(),
    copyTo: database.copyTo,
    size: () => database.size(),
    faults: () => faults,
    close: () => database.close(),
    tried: () => tried,
  }
}
