/** Every write of a long day fails once, on the shared engine. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { retentionRules } from '../../src/store/retention.ts'
import { openPostgres } from '../../src/store/postgres-database.ts'
import { migrate } from '../../src/store/migrations.ts'
import { cutProxy } from '../doubles/cut-proxy.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'
import { errands } from './errands.ts'
import { longDay } from './every-write.ts'
import { failEachWrite, inFolder, type Life } from './fail-each-write.ts'
import type { Failure } from './failing-database.ts'
import { taskDay } from './task-day.ts'

const missing = installPostgres()

describe('every write of a day on PostgreSQL', { skip: missing !== null && missing }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  async function failAll<Told>(life: Life<Told>, failure: Failure, least = 50): Promise<void> {
    const template = await server.create()
    const database = await openPostgres({ url: template })
    await migrate(database)
    await database.close()
    const writes = await failEachWrite(life, failure, async () => {
      const url = await server.create(template)
      return { open: () => openPostgres({ url }), close: async () => undefined }
    })
    assert.ok(writes > least, `${writes} writes`)
  }

  async function loseAnswers<Told>(life: Life<Told>): Promise<void> {
    const proxy = await cutProxy(server.port)
    const url = new URL(await server.create())
    url.port = String(proxy.port)
    let lost = 0
    const place = async () => ({ open: () => openPostgres({ url: url.href }), close: () => proxy.close() })
    await inFolder(place, async (folder, opened, clock) => {
      const lose = (write: number) => {
        // The next commit of a connection that is new: later ones name a statement that the server knows.
        if (write % 4 === 0) void proxy.lose('answer', 'commit').then(() => lost++)
        return null
      }
      const { told } = await life.live(opened, folder, clock, lose, true)
      await life.assertWhole(opened, folder, clock, told, `${lost} answers were lost`)
    })
    assert.ok(lost > 1, `${lost} answers were lost`)
  }

  // Nothing is flushed apart from its commit there, but the answer to one may be lost.
  for (const failure of ['unwritten', 'unanswered'] as const) {
    it(`fails once (${failure}), and what must hold between rows holds there too`, () => failAll(longDay, failure))

    it(`of errands fails once (${failure}), and no message and no run of a job is lost or there twice`, () => failAll(errands, failure))

    it(`of tasks fails once (${failure}), and no task is lost and no try made twice`, () => failAll(taskDay, failure, 20))
  }

  for (const [name, day] of [
    ['work', () => loseAnswers(longDay)],
    ['errands', () => loseAnswers(errands)],
  ] as const) {
    it(`of ${name} holds all the same where answers to commits are lost with their connections`, day)
  }

  it('has a rule or a reason for every table there', async () => {
    const url = await server.create()
    const database = await openPostgres({ url })
    await migrate(database)
    const tables = (await database.query(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`, [])).map(({ name }) =>
      String(name),
    )
    await database.close()
    const known = retentionRules.filter(({ on }) => on !== 'sqlite').map(({ table }) => table)
    assert.deepEqual(known.toSorted(), tables.toSorted())
  })
})
