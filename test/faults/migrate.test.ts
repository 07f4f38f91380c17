/** An upgrade of the schema, killed at each of its statements: the next start ends it, nothing is lost, and the copy from before it is whole. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, it } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { migrate, SCHEMA, schemaOf } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { backUpBeforeUpgrade } from '../../src/store/upgrade-backup.ts'

const PROGRAM = resolve(import.meta.dirname, 'migrate-until.ts')
const root = mkdtempSync(join(tmpdir(), 'carapace-migrate-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** A folder with a database of the schema `version`, and a note in it. */
async function made(name: string, version: number): Promise<string> {
  const folder = join(root, name)
  mkdirSync(folder)
  const database = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  const ended = new Error('far enough')
  const upTo = {
    ...database,
    async commit(statements: Parameters<typeof database.commit>[0]) {
      await database.commit(statements)
      if ((await schemaOf(database)) === version) throw ended
    },
  }
  await assert.rejects(migrate(upTo), (error) => error === ended)
  const origin = JSON.stringify(OWNER)
  await database.commit([{ sql: `INSERT INTO memory (key, value, origin, created_at, updated_at) VALUES ('kept', 'a note', $1, 1, 1)`, params: [origin] }])
  await database.close()
  return folder
}

async function holds(path: string, schema: number): Promise<void> {
  const database = openSqlite({ path, synchronous: 'normal', readOnly: true })
  assert.deepEqual([await schemaOf(database), await database.check()], [schema, []])
  assert.deepEqual(await database.query('SELECT value FROM memory', []), [{ value: 'a note' }])
  await database.close()
}

const backupsIn = (folder: string) => readdirSync(join(folder, 'backups')).toSorted()

describe('an upgrade of the database', () => {
  it('killed at any statement goes on at the next start, with one whole copy from before it', async () => {
    const old = await made('old', 1)
    let step = 0
    for (;;) {
      const folder = join(root, `killed-${++step}`)
      cpSync(old, folder, { recursive: true })
      const done = spawnSync(process.execPath, [PROGRAM, folder, String(step)], { encoding: 'utf8' })
      if (done.signal === null) {
        assert.equal(done.status, 0, done.stderr)
        break
      }
      const path = join(folder, 'carapace.db')
      const store = await openStore({ path, synchronous: 'normal', backups: { folder: join(folder, 'backups'), onMade: () => undefined } })
      assert.equal((await store.memory.read('kept'))?.value, 'a note', `step ${step}`)
      assert.deepEqual(await store.check(), [], `step ${step}`)
      await store.close()
      await holds(path, SCHEMA)
      const backups = backupsIn(folder)
      // Between its copy and the first step of the schema a start has changed nothing: the next one, in another second, makes a copy of its own.
      assert.ok(backups.length === 1 || (backups.length === 2 && step < 10), `step ${step}: ${backups.join()}`)
      for (const backup of backups) {
        assert.match(backup, new RegExp(`^\\d{8}T\\d{6}-schema-1-to-${SCHEMA}\\.db$`), `step ${step}`)
        await holds(join(folder, 'backups', backup), 1)
        assert.equal(statSync(join(folder, 'backups', backup)).mode & 0o777, 0o600)
      }
      rmSync(folder, { recursive: true })
    }
    assert.ok(step > 20, `only ${step} statements`)
  })

  it('copies nothing where there is nothing to upgrade', async () => {
    const folder = join(root, 'new')
    mkdirSync(folder)
    for (let start = 0; start < 2; start++) {
      const store = await openStore({
        path: join(folder, 'carapace.db'),
        synchronous: 'normal',
        backups: { folder: join(folder, 'backups'), onMade: (file) => assert.fail(file) },
      })
      await store.close()
    }
    assert.deepEqual(readdirSync(folder), ['carapace.db'])
  })

  it('keeps the three newest copies and nothing half made', async () => {
    const folder = await made('bounded', 1)
    const database = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
    const told: string[] = []
    const backups = { folder: join(folder, 'backups'), onMade: (file: string) => told.push(file) }
    for (let day = 1; day <= 5; day++) {
      await backUpBeforeUpgrade(database, backups, { from: 1, to: 1 + day }, Date.UTC(2026, 0, day))
      writeFileSync(join(folder, 'backups', 'x.db.part'), 'half')
    }
    await backUpBeforeUpgrade(database, backups, { from: 1, to: 9 }, Date.UTC(2026, 0, 6))
    await database.close()
    assert.equal(told.length, 6)
    assert.deepEqual(backupsIn(folder), ['20260104T000000-schema-1-to-5.db', '20260105T000000-schema-1-to-6.db', '20260106T000000-schema-1-to-9.db'])
  })

  it('does not begin when the copy cannot be made', async () => {
    const folder = await made('full', 1)
    const path = join(folder, 'carapace.db')
    writeFileSync(join(folder, 'backups'), 'a file is in the way')
    await assert.rejects(openStore({ path, synchronous: 'normal', backups: { folder: join(folder, 'backups'), onMade: () => undefined } }), (error) => {
      return error instanceof AppError && error.code === 'store/unavailable'
    })
    await holds(path, 1)
  })
})
