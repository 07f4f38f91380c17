/**
 * The shared engine: PostgreSQL, a pool of connections, any number of processes. Each commit is one transaction. A connection that is lost is made again for a while: what was lost before
 * its COMMIT was sent cannot stand and is repeated; where COMMIT was sent and no answer came, the server is asked by the number of the transaction whether it stands. Never is
 * anything repeated that may have happened.
 */
import type { Options, PostgresType, Sql, TransactionSql } from 'postgres'
import { AppError } from '../contracts/errors.ts'
import type { Database, Row, SqlValue, Statement, Texts, Written } from '../contracts/store.ts'
import { postgresAddress } from './postgres-address.ts'
import { isBroken, isLost, isToRepeat, translated } from './postgres-errors.ts'
import { createSignals } from './postgres-signals.ts'
import { createTexts } from './texts.ts'

export interface PostgresOptions {
  readonly url: string
  /** By default they are kept as they are. */
  readonly texts?: Texts
  /** How long a lost server is looked for, in milliseconds, before the one who waits is told. */
  readonly patienceMs?: number
  /** The longest that a statement may take: more for what changes the whole database. */
  readonly statementMs?: number
  /** The schema that commits are made for: under another one they are refused. */
  readonly schema?: number
}

const CONNECTIONS = 10
const PATIENCE_MS = 10_000
const STATEMENT_MS = 10_000
/** Beyond that a server is taken for dead. */
const ANSWER_GRACE_MS = 2000
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 1000
const MAX_REPEATS = 20

export type Kinds = { int8: number }
export type Pool = Sql<Kinds>
export type PostgresSettings = Options<{ int8: PostgresType<number> }> & { readonly onnotify?: (channel: string, words: string) => void }

const NUMBER = 'SELECT pg_current_xact_id()::text AS number'

/** What became of a transaction whose COMMIT got no answer. */
type Fate = 'committed' | 'aborted' | 'unknown'

class Unanswered extends Error {
  readonly transaction: string
  constructor(transaction: string, cause: unknown) {
    super('a commit got no answer', { cause })
    this.transaction = transaction
  }
}

export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { host, port, path, database, user, password, ssl } = postgresAddress(options.url)
  const { default: postgres } = await import('postgres')
  const { patienceMs = PATIENCE_MS, statementMs = STATEMENT_MS } = options
  const open = (more: Partial<PostgresSettings> = {}): Pool =>
    postgres({
      ...(path === undefined ? { host, port } : { path, host: path }),
      database,
      user,
      password,
      ssl,
      max: CONNECTIONS,
      connect_timeout: 5,
      idle_timeout: 60,
      keep_alive: 10,
      fetch_types: false,
      // We wait between tries ourselves.
      backoff: () => 0,
      onnotice: () => undefined,
      types: { int8: { to: 20, from: [20, 1700], serialize: (value: number) => String(value), parse: exactNumber } },
      connection: {
        application_name: 'carapace',
        statement_timeout: statementMs,
        idle_in_transaction_session_timeout: statementMs,
        default_transaction_isolation: 'read committed',
        client_min_messages: 'error',
      },
      ...more,
    })
  const signals = createSignals(open)
  let pool = open()
  let closed = false
  let faults: readonly string[] = []
  /** Said by a commit alone, and taken back by one: what can still be read says nothing of it. */
  let outdatedBy: readonly string[] = []

  /** A server that neither answers nor closes, or a connection that broke: all connections are made anew. */
  async function answered<T>(work: (sql: Pool) => Promise<T>): Promise<T> {
    const used = pool
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'CONNECT_TIMEOUT' })), statementMs + ANSWER_GRACE_MS)
    try {
      return await Promise.race([work(used), promise])
    } catch (error) {
      if (isBroken(error) && pool === used && !closed) {
        pool = open()
        void used.end({ timeout: 0 }).catch(() => undefined)
      }
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Until it succeeds, fails for good, or patience ends. */
  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new AppError('store/unavailable', 'it is closed')
    const until = performance.now() + patienceMs
    let repeats = 0
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
      try {
        const result = await work()
        faults = []
        return result
      } catch (error) {
        const mayRepeat = isLost(error) || (isToRepeat(error) && ++repeats <= MAX_REPEATS)
        const shown = translated(error)
        if (shown instanceof AppError && shown.code === 'store/newer') outdatedBy = [shown.message]
        if (isLost(error)) faults = [shown instanceof AppError ? shown.message : 'The database cannot be used']
        if (closed || !mayRepeat || performance.now() + pause > until) throw shown
        await new Promise((resolve) => setTimeout(resolve, isToRepeat(error) ? Math.random() * FIRST_PAUSE_MS : pause))
      }
    }
  }

  const numbered = options.schema === undefined ? NUMBER : `${NUMBER}, (SELECT value FROM meta WHERE name = 'schema') AS schema`
  const run = (sql: Pool | TransactionSql<Kinds>, text: string, params: readonly SqlValue[]) => sql.unsafe(text, params.map(bound), { prepare: true })

  async function transact(sql: Pool, statements: readonly Statement[]): Promise<void> {
    let transaction: string | null = null
    try {
      await sql.begin(async (tx) => {
        // Sent together; the number is what the server knows the transaction by.
        const sent = Promise.all([...statements.map(({ sql: text, params }) => run(tx, text, params)), run(tx, numbered, [])])
        // The client would write its ROLLBACK to a connection that is gone, which ends the process (postgres#1154): it hears of the loss by itself.
        const results = await sent.catch((error: unknown) => (isBroken(error) ? new Promise<never>(() => undefined) : Promise.reject(error)))
        for (const [index, { expectChanges }] of statements.entries()) {
          if (expectChanges !== undefined && results[index]?.count !== expectChanges) throw new AppError('store/conflict')
        }
        const last = results.at(-1)?.[0]
        if (options.schema !== undefined && last?.['schema'] !== String(options.schema)) throw outdated()
        transaction = String(last?.['number'])
      })
    } catch (error) {
      if (transaction !== null && isLost(error)) throw new Unanswered(transaction, error)
      throw error
    }
  }

  async function fateOf(transaction: string): Promise<Fate> {
    try {
      return await patiently(async () => {
        const [row] = await answered((sql) => run(sql, 'SELECT pg_xact_status($1::text::xid8) AS status', [transaction]))
        const status: unknown = row?.['status']
        if (status === 'committed' || status === 'aborted') return status
        // Still at it, or nobody has told it yet that we have gone.
        if (status === 'in progress') throw Object.assign(new Error('in progress'), { code: 'CONNECTION_UNSETTLED' })
        return 'unknown'
      })
    } catch {
      return 'unknown'
    }
  }

  async function write(statements: readonly Statement[]): Promise<Written> {
    await patiently(async () => {
      try {
        await answered((sql) => transact(sql, statements))
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        const fate = await fateOf(error.transaction)
        if (fate === 'aborted') throw error.cause
        if (fate === 'unknown') throw new AppError('store/unavailable', 'nobody knows whether the last change was kept', { cause: translated(error.cause) })
      }
    })
    outdatedBy = []
    // The server has flushed what it has confirmed.
    return { durable: async () => undefined }
  }

  return {
    texts: options.texts ?? createTexts(),
    isShared: true,
    engine: 'postgres',
    signals,
    query: (text, params) => patiently(async () => (await answered((sql) => run(sql, text, params))).map(toRow)),
    write,
    async commit(statements) {
      await write(statements)
    },
    copyTo: null,
    async check() {
      const rows = await patiently(() =>
        answered((sql) => run(sql, `SELECT relname AS name FROM pg_index JOIN pg_class ON oid = indexrelid WHERE NOT indisvalid`, [])),
      )
      return rows.map((row) => `the index ${String(row['name'])} is not valid`)
    },
    async size() {
      const [row] = await patiently(() => answered((sql) => run(sql, 'SELECT pg_database_size(current_database()) AS bytes', [])))
      return Number(row?.['bytes'])
    },
    faults: () => [...outdatedBy, ...faults],
    async close() {
      if (closed) return
      closed = true
      await signals.close()
      await pool.end({ timeout: 5 })
    },
  }
}

function outdated(): AppError {
  return new AppError('store/newer', 'another node has changed it', { hint: 'Stop this gateway, and start the newer carapace in its place' })
}

/** What this engine cannot keep: NUL is no character of its texts. */
function bound(value: SqlValue): string | number | null | Uint8Array {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u{2400}') : value
}

function exactNumber(source: string): number {
  const value = Number(source)
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new AppError('store/corrupt', 'a number is too large')
  return value
}

function toRow(columns: Record<string, unknown>): Row {
  const row: Record<string, SqlValue> = {}
  for (const [name, value] of Object.entries(columns)) {
    if (value !== null && typeof value !== 'string' && typeof value !== 'number' && !(value instanceof Uint8Array)) {
      throw new AppError('store/corrupt', `column ${name} is of no known kind`)
    }
    row[name] = value
  }
  return row
}
