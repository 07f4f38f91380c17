/** Rows of every table of a gateway's store, read from outside while it runs. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { retentionRules } from '../../src/store/retention.ts'

export interface Tables {
  readonly rows: ReadonlyMap<string, number>
  readonly bytes: number
}

export interface Grown {
  readonly table: string
  readonly from: number
  readonly until: number
  /** What bounds it; null: nothing. */
  readonly rule: string | null
}

export function readTables(stateDir: string): Tables {
  const path = join(stateDir, 'carapace.db')
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    // The search index keeps tables of its own, as large as what they index.
    const names = database
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%VIRTUAL%' AND name NOT LIKE 'memory_words%'`,
      )
      .all()
    const rows = new Map<string, number>()
    for (const { name } of names) {
      const [count] = Object.values(database.prepare(`SELECT count(*) FROM "${String(name)}"`).get() ?? {})
      rows.set(String(name), Number(count))
    }
    const bytes = [path, `${path}-wal`].reduce((total, file) => total + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
    return { rows, bytes }
  } finally {
    database.close()
  }
}

/** Tables that have more rows at the end than in the middle. */
export function grownTables(seen: readonly Tables[]): readonly Grown[] {
  const middle = seen[seen.length >> 1]?.rows
  const last = seen.at(-1)?.rows ?? new Map<string, number>()
  return [...last].flatMap(([table, until]) => {
    const from = middle?.get(table) ?? 0
    return until > from ? [{ table, from, until, rule: ruleOf(table) }] : []
  })
}

function ruleOf(table: string): string | null {
  const rule = retentionRules.find((one) => one.table === table)
  if (rule === undefined) return null
  if ('because' in rule) return rule.because
  if ('ms' in rule) return `${rule.ms / 60_000} min`
  return `retention.${typeof rule.days === 'string' ? rule.days : rule.days.join(', retention.')}`
}
