/**
 * The embedded engine: one SQLite file in WAL mode, one connection, used by one process. Commits that arrive in the same turn of the event loop share one
 * transaction; when one of them fails they are tried again apart, so that it never takes its neighbours along. SQLite itself is told not to flush the write-ahead log at every
 * commit: that would hold up the event loop. `WalFlush` does it on a thread of the pool, and a commit resolves only when a flush that began after it has ended.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { AppError } from '../contracts/errors.ts'
import type { Database, Row, SqlValue, Statement, Texts, Written } from '../contracts/store.ts'
import { createTexts } from './texts.ts'
import { WalFlush } from './wal-flush.ts'

interface Prepared {
  readonly statement: StatementSync
  /** Which parameter each `?` takes: `$1` may stand more than once. */
  readonly order: readonly number[]
}

interface Waiting {
  readonly statements: readonly Statement[]
  readonly resolve: (written: Written) => void
  readonly reject: (error: unknown) => void
}

export interface SqliteOptions {
  readonly path: string
  readonly synchronous: 'full' | 'normal'
  /** How the log reaches the disk: `fdatasync`, but for tests. */
  readonly flush?: (file: number) => Promise<void>
  /** By default they are kept as they are. */
  readonly texts?: Texts
  /** To look at a database that another process may be using. */
  readonly readOnly?: boolean
}

export function openSqlite(options: SqliteOptions): Database {
  const connection = translate(() => connect(options))
  const wal = options.synchronous === 'full' && options.readOnly !== true ? new WalFlush(`${options.path}-wal`, options.flush) : null
  const prepared = new Map<string, Prepared>()
  const control = { begin: connection.prepare('BEGIN IMMEDIATE'), commit: connection.prepare('COMMIT'), rollback: connection.prepare('ROLLBACK') }
  let waiting: Waiting[] = []
  let closed = false
  let faults: readonly string[] = []

  function prepare(sql: string): Prepared {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const order: number[] = []
    const text = sql.replaceAll(/\$(\d+)/g, (_, digits: string) => {
      order.push(Number(digits) - 1)
      return '?'
    })
    const fresh = { statement: connection.prepare(text), order }
    prepared.set(sql, fresh)
    return fresh
  }

  function bind(order: readonly number[], params: readonly SqlValue[]): SqlValue[] {
    return order.map((index) => params[index] ?? null)
  }

  function apply(statements: readonly Statement[]): void {
    for (const { sql, params, expectChanges } of statements) {
      const { statement, order } = prepare(sql)
      const { changes } = statement.run(...bind(order, params))
      if (expectChanges !== undefined && Number(changes) !== expectChanges) throw new AppError('store/conflict')
    }
  }

  function flush(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    const failures = tryTogether(batch) ?? tryApart(batch)
    for (const commit of batch) {
      if (failures.has(commit)) commit.reject(translated(failures.get(commit)))
      else commit.resolve({ durable: async () => wal?.flushed() })
    }
  }

  /** The common case, without savepoints. Null when one failed: then nothing of the batch stands. */
  function tryTogether(batch: readonly Waiting[]): ReadonlyMap<Waiting, unknown> | null {
    try {
      control.begin.run()
      for (const { statements } of batch) apply(statements)
      control.commit.run()
      faults = []
      return new Map()
    } catch {
      if (connection.isTransaction) control.rollback.run()
      return null
    }
  }

  /** Each commit behind a savepoint of its own, so that it fails alone. */
  function tryApart(batch: readonly Waiting[]): ReadonlyMap<Waiting, unknown> {
    const failures = new Map<Waiting, unknown>()
    try {
      control.begin.run()
      for (const commit of batch) {
        connection.exec('SAVEPOINT one')
        try {
          apply(commit.statements)
        } catch (error) {
          failures.set(commit, error)
          // Some faults (a full disk) roll the whole transaction back by themselves: then nobody's commit stands.
          if (!connection.isTransaction) throw error
          connection.exec('ROLLBACK TO one')
        }
        connection.exec('RELEASE one')
      }
      control.commit.run()
      faults = []
    } catch (error) {
      if (connection.isTransaction) control.rollback.run()
      const shown = translated(error)
      faults = [shown instanceof AppError ? shown.message : 'The database cannot be used']
      for (const commit of batch) if (!failures.has(commit)) failures.set(commit, error)
    }
    return failures
  }

  /** While the disk is busy nothing is committed: what comes meanwhile shares the next transaction and the next flush. */
  function schedule(): void {
    const busy = wal?.current ?? null
    if (busy === null) setImmediate(flush)
    else {
      const afterwards = () => void setImmediate(flush)
      busy.then(afterwards, afterwards)
    }
  }

  function write(statements: readonly Statement[]): Promise<Written> {
    const refusal = closed ? new AppError('store/unavailable', 'it is closed') : (wal?.failure ?? null)
    if (refusal !== null) return Promise.reject(refusal)
    const { promise, resolve, reject } = Promise.withResolvers<Written>()
    if (waiting.push({ statements, resolve, reject }) === 1) schedule()
    return promise
  }

  return {
    texts: options.texts ?? createTexts(),
    isShared: false,
    engine: 'sqlite',
    signals: null,
    async query(sql, params): Promise<readonly Row[]> {
      return translate(() => {
        const { statement, order } = prepare(sql)
        return statement.all(...bind(order, params)).map(toRow)
      })
    },
    write,
    async commit(statements) {
      const { durable } = await write(statements)
      await durable()
    },
    async check() {
      const rows = translate(() => connection.prepare('PRAGMA integrity_check(20)').all())
      return rows.map((row) => String(row['integrity_check'])).filter((line) => line !== 'ok')
    },
    async copyTo(path) {
      translate(() => {
        // An empty file is taken; one that SQLite makes itself is open to others.
        closeSync(openSync(path, 'wx', 0o600))
        connection.prepare('VACUUM INTO ?').run(path)
        syncFile(path)
      })
    },
    async size() {
      return [options.path, `${options.path}-wal`].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
    },
    faults: () => (wal?.failure == null ? faults : [wal.failure.message]),
    async close() {
      if (closed) return
      closed = true
      if (waiting.length > 0) flush()
      // Somebody may yet ask whether what was written is on the disk.
      void wal?.flushed()
      await wal?.close()
      connection.close()
    },
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
}

function connect(options: SqliteOptions): DatabaseSync {
  if (options.readOnly === true) return new DatabaseSync(options.path, { timeout: 5000, readOnly: true })
  // SQLite gives its other files the mode of this one.
  closeSync(openSync(options.path, 'a', 0o600))
  const connection = new DatabaseSync(options.path, { timeout: 5000 })
  connection.exec('PRAGMA journal_mode = WAL')
  connection.exec('PRAGMA synchronous = NORMAL')
  // Checkpoints run on the event loop: fewer and larger ones, every 16 MB of log.
  connection.exec('PRAGMA wal_autocheckpoint = 4000')
  // The first read opens the write-ahead log, so that there is a file to flush.
  connection.exec('SELECT count(*) FROM sqlite_master')
  return connection
}

/** node:sqlite types a column as anything SQLite can hold; we never read 64-bit integers beyond 2^53. */
function toRow(columns: Record<string, unknown>): Row {
  const row: Record<string, SqlValue> = {}
  for (const [name, value] of Object.entries(columns)) {
    row[name] = typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array ? value : value === null ? null : Number(value)
  }
  return row
}

function translate<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw translated(error)
  }
}

/** SQLite's primary result codes, https://sqlite.org/rescode.html */
function translated(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code)) {
    return new AppError('store/unavailable', 'its file cannot be opened', { cause: error, hint: 'Check the state folder: does it exist, may you write there?' })
  }
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const primary = error.errcode & 0xff
  if (primary === 11 || primary === 26) return new AppError('store/corrupt', undefined, { cause: error, hint: 'Restore a backup: cara restore FILE --force' })
  if (primary === 13) return new AppError('store/unavailable', 'the disk is full', { cause: error, hint: 'Free some space, then try again' })
  if (primary === 8 || primary === 14 || primary === 3) {
    return new AppError('store/unavailable', 'it cannot be opened for writing', { cause: error, hint: 'Check owner and mode of the state folder' })
  }
  if (primary === 5 || primary === 6)
    return new AppError('store/unavailable', 'another program holds it', { cause: error, hint: 'Close whatever has carapace.db open, then try again' })
  if (primary === 10) return new AppError('store/unavailable', 'the disk reported an error', { cause: error })
  if (primary === 19) return new AppError('store/conflict', undefined, { cause: error })
  return error
}
