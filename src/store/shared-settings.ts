/** Settings that all gateways on one database go by: a row for each, and the number of changes so far. */
import type { SettingsStore, Signal } from '../contracts/cluster.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { SharedValue } from '../contracts/settings.ts'
import type { Database, Signals, Statement } from '../contracts/store.ts'
import { integer, json, text } from './rows.ts'
import { stands } from './stands.ts'

/** Few keys are shared, and names of routes and models beside them: more than that is a mistake. */
const MAX_VALUES = 500
const COLUMN = 'shared_settings.value'
/** The version; a text, like everything in `meta`. */
export const SETTINGS_VERSION = `SELECT value FROM meta WHERE name = 'settings'`

export function createSettingsStore(database: Database, signals: Signals): SettingsStore {
  const { texts } = database
  return {
    async read() {
      const rows = await database.query(
        `SELECT path, shared_settings.value AS value, version, set_by, set_at, (${SETTINGS_VERSION}) AS newest FROM meta LEFT JOIN shared_settings ON true
          WHERE name = 'settings' ORDER BY version LIMIT ${MAX_VALUES}`,
        [],
      )
      const values = rows
        .filter(({ path }) => path !== null)
        .map((row): SharedValue => {
          const path = text(row, 'path')
          return {
            path,
            value: json(texts.open(COLUMN, path, text(row, 'value')), isJson),
            version: integer(row, 'version'),
            by: text(row, 'set_by'),
            at: integer(row, 'set_at'),
          }
        })
      return { version: Number(rows[0]?.['newest'] ?? 0), values }
    },
    change({ path, value, by, at }, expected) {
      const version = expected + 1
      const row: Statement =
        value === null
          ? { sql: 'DELETE FROM shared_settings WHERE path = $1', params: [path] }
          : {
              sql: `INSERT INTO shared_settings (path, value, version, set_by, set_at)
                SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM shared_settings WHERE path <> $1) < ${MAX_VALUES}
                ON CONFLICT (path) DO UPDATE SET value = excluded.value, version = excluded.version, set_by = excluded.set_by, set_at = excluded.set_at`,
              params: [path, texts.seal(COLUMN, path, JSON.stringify(value)), version, by, at],
              expectChanges: 1,
            }
      return stands(
        database.commit([
          // Holds the row until the end of the commit: of two changes one finds another version.
          { sql: `UPDATE meta SET value = $2 WHERE name = 'settings' AND value = $1`, params: [String(expected), String(version)], expectChanges: 1 },
          row,
          signals.statement(JSON.stringify({ kind: 'settings', version } satisfies Signal)),
        ]),
      )
    },
  }
}

/** Comes out of `JSON.parse`. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined
}
