/**
 * The schema, step by step; forward only. A step that has shipped never changes.
 *
 * A step is written once, in SQLite's words, and stands on both engines: `inPostgres` maps the kinds of columns, a rowid that counts (`INTEGER PRIMARY KEY`) and `WITHOUT ROWID`. Write
 * TEXT, INTEGER, REAL, BLOB, plain indexes, partial ones, `ALTER TABLE … ADD COLUMN`. Only what one engine lacks (an index of words, a trigger) says both: `{ sqlite, postgres }`.
 * Queries are the same on both, too: scalar `max(a, b)`, `sum(a IS NULL)`, `CAST(a AS BLOB)`, `rowid`, `PRAGMA`, `INSERT OR …`, `json_extract` and subqueries without a name are SQLite's alone; say
 * `a | b` for flags, `CASE`, `octet_length(a)`, `ON CONFLICT`, `AS name`. LIKE minds the case on one engine: compare `lower(a)`. `npm test -- store` runs the contract on both.
 */
import { AppError } from '../contracts/errors.ts'
import type { Database, Statement } from '../contracts/store.ts'
import { inPostgres } from './portable-schema.ts'

type SchemaStatement = string | { readonly sqlite: readonly string[]; readonly postgres: readonly string[] }

const steps: readonly (readonly SchemaStatement[])[] = [
  [
    `CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      title TEXT,
      model TEXT,
      message_count INTEGER NOT NULL DEFAULT 0,
      untrusted INTEGER NOT NULL DEFAULT 0,
      private INTEGER NOT NULL DEFAULT 0,
      summary TEXT,
      summary_until INTEGER NOT NULL DEFAULT 0,
      summary_tokens INTEGER NOT NULL DEFAULT 0,
      created_at INTEGER NOT NULL,
      last_activity_at INTEGER NOT NULL
    )`,
    'CREATE INDEX sessions_by_activity ON sessions (last_activity_at)',
    `CREATE TABLE turns (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      session_id TEXT,
      idempotency TEXT,
      begun INTEGER NOT NULL,
      finished INTEGER NOT NULL DEFAULT 0,
      request TEXT NOT NULL,
      result TEXT,
      accepted_at INTEGER NOT NULL
    )`,
    'CREATE UNIQUE INDEX turns_by_idempotency ON turns (idempotency) WHERE idempotency IS NOT NULL',
    'CREATE INDEX turns_unfinished ON turns (position) WHERE finished = 0',
    'CREATE INDEX turns_by_session ON turns (session_id) WHERE session_id IS NOT NULL',
    // The journal and the conversation are the same rows: what a turn did is what the session remembers.
    `CREATE TABLE entries (
      id INTEGER PRIMARY KEY,
      session_id TEXT,
      turn_id TEXT,
      kind TEXT NOT NULL,
      tokens INTEGER NOT NULL,
      data TEXT NOT NULL,
      at INTEGER NOT NULL
    )`,
    'CREATE INDEX entries_by_session ON entries (session_id, id) WHERE session_id IS NOT NULL',
    'CREATE INDEX entries_by_turn ON entries (turn_id)',
    `CREATE TABLE memory (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      value TEXT NOT NULL,
      origin TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    )`,
    {
      sqlite: [
        `CREATE VIRTUAL TABLE memory_words USING fts5 (key, value, content = 'memory', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2')`,
        `CREATE TRIGGER memory_added AFTER INSERT ON memory BEGIN
          INSERT INTO memory_words (rowid, key, value) VALUES (new.id, new.key, new.value);
        END`,
        `CREATE TRIGGER memory_removed AFTER DELETE ON memory BEGIN
          INSERT INTO memory_words (memory_words, rowid, key, value) VALUES ('delete', old.id, old.key, old.value);
        END`,
        `CREATE TRIGGER memory_changed AFTER UPDATE ON memory BEGIN
          INSERT INTO memory_words (memory_words, rowid, key, value) VALUES ('delete', old.id, old.key, old.value);
          INSERT INTO memory_words (rowid, key, value) VALUES (new.id, new.key, new.value);
        END`,
      ],
      postgres: [
        // As SQLite's index has them: the words without their accents, in lower case.
        `ALTER TABLE memory ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('simple',
          regexp_replace(regexp_replace(lower(normalize(key || ' ' || value, NFD) COLLATE "und-x-icu"), '[\\u0300-\\u036f]', '', 'g'),
            '[^[:alnum:]]+' COLLATE "und-x-icu", ' ', 'g'))) STORED`,
        'CREATE INDEX memory_by_words ON memory USING gin (words)',
      ],
    },
    `CREATE TABLE usage (
      turn_id TEXT NOT NULL,
      session_id TEXT,
      model TEXT NOT NULL,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      cache_read_tokens INTEGER NOT NULL,
      cache_write_tokens INTEGER NOT NULL,
      reasoning_tokens INTEGER NOT NULL,
      cost_usd REAL,
      at INTEGER NOT NULL,
      PRIMARY KEY (at, turn_id)
    ) WITHOUT ROWID`,
  ],
  [
    `CREATE TABLE undo_steps (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      turn_id TEXT NOT NULL,
      call_id TEXT NOT NULL,
      effect_id TEXT NOT NULL,
      session_id TEXT,
      tool TEXT NOT NULL,
      summary TEXT NOT NULL,
      change TEXT NOT NULL,
      copy TEXT,
      bytes INTEGER NOT NULL,
      at INTEGER NOT NULL,
      undone_at INTEGER
    )`,
    'CREATE INDEX undo_steps_by_turn ON undo_steps (turn_id)',
  ],
  [
    `CREATE TABLE approvals (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      turn_id TEXT NOT NULL,
      session_id TEXT,
      batch TEXT NOT NULL,
      call_id TEXT NOT NULL,
      effect_id TEXT NOT NULL,
      tool TEXT NOT NULL,
      hash TEXT NOT NULL,
      status TEXT NOT NULL,
      data TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      decision TEXT,
      decided_at INTEGER
    )`,
    'CREATE INDEX approvals_by_turn ON approvals (turn_id)',
    'CREATE INDEX approvals_by_effect ON approvals (effect_id)',
    'CREATE INDEX approvals_by_status ON approvals (status, expires_at)',
    'CREATE INDEX approvals_decided ON approvals (decided_at) WHERE decided_at IS NOT NULL',
    `CREATE TABLE grants (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      unlock TEXT NOT NULL,
      tool TEXT NOT NULL,
      session_id TEXT,
      data TEXT NOT NULL,
      shape TEXT,
      approval_id TEXT NOT NULL,
      created_at INTEGER NOT NULL
    )`,
    `CREATE TABLE refusals (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      turn_id TEXT,
      session_id TEXT,
      effect_id TEXT,
      checkpoint TEXT NOT NULL,
      rule TEXT NOT NULL,
      tool TEXT,
      why TEXT NOT NULL,
      evidence TEXT,
      hint TEXT,
      at INTEGER NOT NULL
    )`,
    'CREATE INDEX refusals_by_turn ON refusals (turn_id)',
    'CREATE INDEX refusals_by_effect ON refusals (effect_id)',
    `CREATE TABLE shadow_calls (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      tool TEXT NOT NULL,
      data TEXT NOT NULL,
      at INTEGER NOT NULL
    )`,
  ],
  [
    `CREATE TABLE devices (
      id TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      name TEXT NOT NULL,
      scopes TEXT NOT NULL,
      token_hash TEXT UNIQUE,
      token_expires_at INTEGER,
      claim_until INTEGER,
      approved_by TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      last_used_at INTEGER,
      revoked_at INTEGER,
      version INTEGER NOT NULL
    ) WITHOUT ROWID`,
  ],
  // Who carries a turn on (contracts/turn-lease.ts). Those that wait have neither owner nor lease, and stand at the end of the index.
  [
    'ALTER TABLE turns ADD COLUMN owner TEXT',
    'ALTER TABLE turns ADD COLUMN lease_until INTEGER',
    'ALTER TABLE turns ADD COLUMN fence INTEGER NOT NULL DEFAULT 0',
    'DROP INDEX turns_unfinished',
    'CREATE INDEX turns_unfinished ON turns (lease_until, position) WHERE finished = 0',
  ],
  // What gateways that share a database know of each other (contracts/cluster.ts); one alone has nobody to tell.
  [
    {
      sqlite: [],
      postgres: [
        `CREATE TABLE nodes (
          id TEXT COLLATE "C" PRIMARY KEY,
          host TEXT NOT NULL,
          pid BIGINT NOT NULL,
          url TEXT NOT NULL,
          version TEXT NOT NULL,
          schema BIGINT NOT NULL,
          config TEXT NOT NULL,
          hears BIGINT NOT NULL,
          draining BIGINT NOT NULL,
          started_at BIGINT NOT NULL,
          seen_at BIGINT NOT NULL
        )`,
        `CREATE UNLOGGED TABLE turn_events (
          turn_id TEXT COLLATE "C" NOT NULL,
          seq BIGINT NOT NULL,
          data TEXT NOT NULL,
          at BIGINT NOT NULL,
          PRIMARY KEY (turn_id, seq)
        )`,
        'CREATE INDEX turn_events_by_time ON turn_events (at)',
        'CREATE INDEX turns_open_by_session ON turns (session_id, position) WHERE finished = 0',
      ],
    },
  ],
  [
    `CREATE TABLE outbox (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      part INTEGER NOT NULL,
      parts INTEGER NOT NULL,
      key TEXT NOT NULL,
      destination TEXT NOT NULL,
      lane TEXT NOT NULL,
      purpose TEXT NOT NULL,
      turn_id TEXT,
      session_id TEXT,
      status TEXT NOT NULL,
      text TEXT,
      bytes INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      unknown INTEGER NOT NULL DEFAULT 0,
      why TEXT,
      due_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      settled_at INTEGER,
      owner TEXT,
      lease_until INTEGER,
      fence INTEGER NOT NULL DEFAULT 0
    )`,
    'CREATE UNIQUE INDEX outbox_by_id ON outbox (id, part)',
    'CREATE UNIQUE INDEX outbox_by_key ON outbox (key, part)',
    `CREATE INDEX outbox_by_lane ON outbox (lane, position) WHERE status = 'waiting'`,
    `CREATE INDEX outbox_by_destination ON outbox (destination) WHERE status = 'waiting'`,
    'CREATE INDEX outbox_by_status ON outbox (status, position)',
    'CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL',
    'CREATE INDEX outbox_by_session ON outbox (session_id) WHERE session_id IS NOT NULL',
  ],
  [
    `CREATE TABLE jobs (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      next_at INTEGER,
      paused INTEGER NOT NULL,
      paused_why TEXT,
      closed_until INTEGER NOT NULL,
      data TEXT NOT NULL,
      version INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    )`,
    'CREATE INDEX jobs_due ON jobs (next_at) WHERE next_at IS NOT NULL',
    `CREATE TABLE job_runs (
      job_id TEXT NOT NULL,
      due_at INTEGER NOT NULL,
      status TEXT NOT NULL,
      turn_id TEXT,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      note TEXT,
      PRIMARY KEY (job_id, due_at)
    )`,
    `CREATE INDEX job_runs_open ON job_runs (due_at) WHERE status IN ('running', 'sending')`,
    'CREATE INDEX job_runs_by_start ON job_runs (started_at)',
  ],
  ['ALTER TABLE jobs ADD COLUMN marks TEXT'],
  [
    {
      sqlite: [],
      postgres: ['ALTER TABLE nodes ADD COLUMN settings BIGINT NOT NULL DEFAULT 0', 'ALTER TABLE nodes ADD COLUMN settings_fault TEXT'],
    },
  ],
  [
    `CREATE TABLE shared_settings (
      path TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      version INTEGER NOT NULL,
      set_by TEXT NOT NULL,
      set_at INTEGER NOT NULL
    )`,
    `INSERT INTO meta (name, value) VALUES ('settings', '0')`,
  ],
  [
    `CREATE TABLE tasks (
      id TEXT NOT NULL PRIMARY KEY,
      session_key TEXT NOT NULL,
      state TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      run_ids TEXT NOT NULL,
      turn_id TEXT,
      next_at INTEGER,
      run_until INTEGER,
      blocked_reason TEXT,
      data TEXT NOT NULL,
      last_error TEXT,
      since INTEGER NOT NULL,
      version INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER
    )`,
    'CREATE INDEX tasks_due ON tasks (next_at) WHERE next_at IS NOT NULL',
    'CREATE INDEX tasks_in_turn ON tasks (since) WHERE turn_id IS NOT NULL',
    'CREATE INDEX tasks_open ON tasks (created_at, id) WHERE ended_at IS NULL',
    'CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL',
    'CREATE INDEX tasks_by_age ON tasks (created_at)',
  ],
  [
    // A flag: what was cancelled while somebody else carried it on.
    'ALTER TABLE turns ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0',
    'CREATE INDEX turns_cancelled ON turns (id) WHERE cancelled = 1 AND finished = 0',
  ],
  [
    `CREATE TABLE attempts (
      kind TEXT NOT NULL,
      key TEXT NOT NULL,
      since INTEGER NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (kind, key)
    )`,
    'CREATE INDEX attempts_by_time ON attempts (since)',
  ],
  [
    'ALTER TABLE approvals ADD COLUMN notice TEXT',
    'ALTER TABLE approvals ADD COLUMN told_at INTEGER',
    // Of what waits already somebody was told.
    `UPDATE approvals SET told_at = created_at`,
  ],
  [
    {
      sqlite: [],
      postgres: [
        // Its positions only grow, after a crash of the server too: so it is no unlogged one.
        `CREATE TABLE work_events (
          position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id TEXT COLLATE "C" NOT NULL,
          data TEXT NOT NULL,
          at BIGINT NOT NULL
        )`,
        'CREATE INDEX work_events_by_time ON work_events (at)',
      ],
    },
  ],
]

/** What this program can read and write. */
export const SCHEMA = steps.length

/** `beforeUpgrade` is awaited before the first step of a database that is older, with the version that it has. */
export async function migrate(database: Database, beforeUpgrade: (from: number) => Promise<void> = async () => undefined): Promise<void> {
  const meta = { sql: inWords(database, 'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)'), params: [] }
  await database.commit([...oneAfterTheOther(database), meta])
  const found = await schemaOf(database)
  if (found > 0 && found < SCHEMA) await beforeUpgrade(found)
  for (let version = found; version !== SCHEMA; version = await schemaOf(database)) {
    const step = steps[version]
    if (step === undefined) throw new AppError('store/newer', undefined, { hint: 'Start the newer carapace, or restore a backup made by this one' })
    const own = step.flatMap((part) => (typeof part === 'string' ? [inWords(database, part)] : part[database.engine]))
    const statements: Statement[] = own.map((sql) => ({ sql, params: [] }))
    try {
      await database.commit([...oneAfterTheOther(database), ...statements, { sql: SET_SCHEMA, params: ['schema', String(version + 1)] }])
    } catch (error) {
      // Another process may have made the same step while this one waited.
      if (!database.isShared || (await schemaOf(database)) <= version) throw error
    }
  }
}

function oneAfterTheOther(database: Database): readonly Statement[] {
  return database.engine === 'postgres' ? [{ sql: `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`, params: [] }] : []
}

/** Any number that nobody else uses in this database. */
const MIGRATION_LOCK = 7_230_031
const SET_SCHEMA = 'INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value'

/** 0 before the first step. */
export async function schemaOf(database: Database): Promise<number> {
  const rows = await database.query('SELECT value FROM meta WHERE name = $1', ['schema'])
  return Number(rows[0]?.['value'] ?? 0)
}

function inWords(database: Database, sql: string): string {
  return database.engine === 'postgres' ? inPostgres(sql) : sql
}
