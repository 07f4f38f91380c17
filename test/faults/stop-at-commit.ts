/**
 * Loaded into a gateway before its own code (`--import`): counts the commits of its database from the first accepted message on, and kills the process before or after one of them.
 * So a test finds every position of a journal by itself: a step that comes new is a commit more.
 */
import { appendFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

const at = Number(process.env['STOP_AT'] ?? 0)
const how = process.env['STOP_HOW'] ?? 'before'
const file = process.env['STOP_NOTES'] ?? ''
const counted = { commits: 0, isArmed: false }
let written: string[] = []

const { value: prepare } = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, 'prepare') ?? {}
DatabaseSync.prototype.prepare = function prepareCounted(this: DatabaseSync, sql: string): StatementSync {
  const statement: StatementSync = Reflect.apply(prepare, this, [sql])
  const run = statement.run.bind(statement)
  const [, table] = /^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/.exec(sql) ?? []
  if (table !== undefined) {
    const runNoted = (...params: SQLInputValue[]) => {
      counted.isArmed ||= sql.startsWith('INSERT INTO turns')
      written.push(table === 'entries' ? `entries:${typeof params[2] === 'string' ? params[2] : ''}` : table)
      return run(...params)
    }
    Object.assign(statement, { run: runNoted })
  }
  if (sql === 'COMMIT') {
    const commit = () => {
      const tables = [...new Set(written)].join(' ')
      written = []
      if (!counted.isArmed) return run()
      const isHere = ++counted.commits === at
      if (isHere && how === 'before') process.kill(process.pid, 'SIGKILL')
      const result = run()
      if (file !== '') appendFileSync(file, `${tables}\n`)
      if (isHere) process.kill(process.pid, 'SIGKILL')
      return result
    }
    Object.assign(statement, { run: commit })
  }
  return statement
}
