/** `migrate-until.ts FOLDER STEP`: upgrades the database of the folder, and dies before the n-th statement (or half-way through the copy that is made first). */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Database, Statement } from '../../src/contracts/store.ts'
import { migrate, SCHEMA } from '../../src/store/migrations.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { backUpBeforeUpgrade } from '../../src/store/upgrade-backup.ts'

const [folder = '', step = ''] = process.argv.slice(2)
const path = join(folder, 'carapace.db')
let steps = 0
const stepped = () => {
  if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL')
}

const reading = openSqlite({ path, synchronous: 'full' })
/** As the engine does it, statement by statement. */
const writing = new DatabaseSync(path)
const database: Database = {
  ...reading,
  async commit(statements: readonly Statement[]) {
    writing.exec('BEGIN IMMEDIATE')
    for (const { sql, params } of statements) {
      stepped()
      writing.prepare(sql.replaceAll(/\$\d+/g, '?')).run(...params)
    }
    stepped()
    writing.exec('COMMIT')
  },
  async copyTo(file) {
    writeFileSync(file, 'half of a copy')
    stepped()
    rmSync(file)
    await reading.copyTo?.(file)
    stepped()
  },
}
await migrate(database, (from) => backUpBeforeUpgrade(database, { folder: join(folder, 'backups'), onMade: stepped }, { from, to: SCHEMA }, Date.now()))
writing.close()
await reading.close()
