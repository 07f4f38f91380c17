/** The shared engine: what it does when others use it at the same time, and when the way to it is lost. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import type { Database } from '../../src/contracts/store.ts'
import type { WorkEvent } from '../../src/contracts/work.ts'
import { migrate } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/open-store.ts'
import { postgresAddress } from '../../src/store/postgres-address.ts'
import { openPostgres } from '../../src/store/postgres-database.ts'
import { aTask } from '../doubles/a-task.ts'
import { cutProxy, type CutProxy } from '../doubles/cut-proxy.ts'
import { installPostgres, startPostgres, type PostgresServer } from '../doubles/postgres-server.ts'
import { until } from '../doubles/until.ts'

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected
const missing = installPostgres()

describe('the shared engine', { skip: missing !== null && missing }, () => {
  let server: PostgresServer
  let proxy: CutProxy
  let url = ''
  let database: Database
  const throughProxy = () => url.replace(String(server.port), String(proxy.port))
  before(async () => {
    server = await startPostgres()
    proxy = await cutProxy(server.port)
    url = await server.create()
    database = await openPostgres({ url: throughProxy(), patienceMs: 3000, statementMs: 1500 })
    await database.commit([{ sql: 'CREATE TABLE t (a BIGINT UNIQUE, b TEXT)', params: [] }])
  })
  after(async () => {
    await database.close()
    await proxy.close()
    await server.stop()
  })

  const insert = (a: number) => ({ sql: 'INSERT INTO t VALUES ($1, $2)', params: [a, `row ${a}`] })
  const rows = async () => (await server.run(url, 'SELECT a::int FROM t ORDER BY a')).map((row) => row['a'])

  it('keeps commits apart, and takes a whole one back where it changes another number of rows', async () => {
    await database.commit([insert(1)])
    const outcomes = await Promise.allSettled([
      database.commit([insert(2), insert(1)]),
      database.commit([insert(3), { sql: 'UPDATE t SET b = b WHERE a = $1', params: [99], expectChanges: 1 }]),
      database.commit([insert(4)]),
    ])
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' && code('store/conflict')(outcome.reason) ? ['conflict'] : [outcome.status]))
    assert.ok(failed.filter((outcome) => outcome === 'conflict').length === 2, failed.join())
    assert.equal((await rows()).length, 2)
    await server.run(url, 'DELETE FROM t')
  })

  it('reads numbers as numbers, refuses those that are too large, and replaces what its texts cannot hold', async () => {
    const [row] = await database.query(
      `SELECT 9007199254740991::int8 AS a, sum(x) AS b, 1.5::float8 AS c, '\\x01ff'::bytea AS d FROM (VALUES (1::int8), (2)) AS v (x)`,
      [],
    )
    assert.deepEqual({ ...row }, { a: 9007199254740991, b: 3, c: 1.5, d: Buffer.from([1, 255]) })
    await assert.rejects(database.query('SELECT 9007199254740993::int8 AS a', []), code('store/corrupt'))
    await assert.rejects(database.query('SELECT true AS a', []), code('store/corrupt'))
    await database.commit([{ sql: 'INSERT INTO t VALUES ($1, $2)', params: [7, 'a\0b'] }])
    assert.deepEqual({ ...(await database.query('SELECT b FROM t WHERE a = 7', []))[0] }, { b: 'a\u{2400}b' })
    await server.run(url, 'DELETE FROM t')
  })

  it('says nothing of what stood in a statement when the server refuses it', async () => {
    const error: unknown = await database
      .commit([{ sql: 'INSERT INTO t VALUES ($1::text::int8, $2)', params: ['my secret', 'x'] }])
      .catch((reason: unknown) => reason)
    assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /my secret/)
    assert.ok(error instanceof Error && !String(error.stack).includes('my secret') && !String(error.cause).includes('my secret'))
  })

  for (const what of ['answer', 'question'] as const) {
    it(`a COMMIT whose ${what} is lost stands once`, async () => {
      // On new connections: there the client says the word, later it names a prepared statement.
      const fresh = await openPostgres({ url: throughProxy() })
      const lost = proxy.lose(what, 'commit')
      await fresh.commit([insert(10)])
      await lost
      assert.deepEqual(await rows(), [10])
      await fresh.close()
      await server.run(url, 'DELETE FROM t')
    })
  }

  it('a change whose connection closes in the middle is repeated, beside others, and the connections go on', async () => {
    const fresh = await openPostgres({ url: throughProxy() })
    for (let round = 0; round < 5; round++) {
      const lost = proxy.lose('question', `row ${100 + round}`)
      const others = Array.from({ length: 12 }, (_, index) => insert(1000 * (round + 1) + index))
      await Promise.all([insert(100 + round), ...others].map((each) => fresh.commit([each])))
      await lost
    }
    assert.equal((await rows()).length, 65)
    await fresh.close()
    await server.run(url, 'DELETE FROM t')
  })

  it('goes on after the way was cut, and says meanwhile what is wrong', async () => {
    proxy.cut()
    const commit = database.commit([insert(20)])
    const query = database.query('SELECT 1 AS one', [])
    await until(() => database.faults().length > 0)
    assert.match(database.faults().join(), /cannot be used: the server cannot be reached/)
    proxy.restore()
    await commit
    assert.deepEqual({ ...(await query)[0] }, { one: 1 })
    assert.deepEqual([database.faults(), await rows()], [[], [20]])
    await server.run(url, 'DELETE FROM t')
  })

  it('gives up after a while, and never keeps later what it said it could not keep', async () => {
    proxy.cut()
    await assert.rejects(database.commit([insert(30)]), code('store/unavailable'))
    proxy.restore()
    await database.commit([insert(31)])
    assert.deepEqual(await rows(), [31])
    await server.run(url, 'DELETE FROM t')
  })

  it('takes a server that neither answers nor closes for lost', async () => {
    proxy.silence()
    await assert.rejects(database.query('SELECT 1 AS one', []), code('store/unavailable'))
    proxy.restore()
    assert.deepEqual({ ...(await database.query('SELECT 1 AS one', []))[0] }, { one: 1 })
  })

  it('stays out of service under another schema, whatever it can still read', async () => {
    const older = await openPostgres({ url: await server.create(), schema: 1 })
    try {
      await older.query('CREATE TABLE meta (name TEXT, value TEXT)', [])
      await older.query(`INSERT INTO meta VALUES ('schema', '2')`, [])
      await assert.rejects(older.commit([{ sql: 'CREATE TABLE x (a BIGINT)', params: [] }]), code('store/newer'))
      assert.equal((await older.query('SELECT 1 AS one', [])).length, 1)
      assert.match(older.faults().join(), /newer version/)
      await older.query(`UPDATE meta SET value = '1'`, [])
      await older.commit([{ sql: 'CREATE TABLE x (a BIGINT)', params: [] }])
      assert.deepEqual(older.faults(), [])
    } finally {
      await older.close()
    }
  })

  it('makes its schema once, however many start at the same moment', async () => {
    const empty = await server.create()
    const opened = await Promise.all([1, 2, 3, 4].map(() => openPostgres({ url: empty })))
    await Promise.all(opened.map((each) => migrate(each)))
    await Promise.all(opened.map((each) => each.close()))
    await server.run(empty, `UPDATE meta SET value = '999' WHERE name = 'schema'`)
    await assert.rejects(openStore({ path: '', url: empty, synchronous: 'full' }), code('store/newer'))
  })

  it('keeps what becomes of jobs and tasks in one order, sealed like all texts, and passes over what it cannot read', async () => {
    const url = await server.create()
    const open = () => openStore({ path: '', url, synchronous: 'full', encrypt: { isOn: true, key: () => Buffer.alloc(32, 7) } })
    const [one, two] = [await open(), await open()]
    try {
      const event = (prompt: string): WorkEvent => ({ kind: 'task', action: 'created', task: aTask('task_1', { prompt }) })
      const [log, other] = [one.cluster?.work, two.cluster?.work]
      assert.ok(log !== undefined && other !== undefined)
      // However many commit at the same moment: nobody who has read up to a position has missed one before it.
      const read: number[] = []
      const reading = (async () => {
        for (let last = 0; read.length < 60;) for (const { position } of await log.after(last, 7)) read.push((last = position))
      })()
      await Promise.all(Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? log : other).append(event(`${index}`), 'node', index)))
      await reading
      assert.deepEqual(
        read,
        read.toSorted((a, b) => a - b),
      )
      assert.equal(new Set(read).size, 60)
      assert.deepEqual(await server.run(url, `SELECT id FROM work_events WHERE data LIKE '%prompt%'`), [])
      const last = await log.last()
      await server.run(url, `INSERT INTO work_events (id, data, at) VALUES ('work_x', '{"kind":"dream"}', 1), ('work_y', 'no json', 1)`)
      await log.append(event('readable'), 'node', 100)
      const words = (await log.after(last, 10)).map(({ event: each }) => (each?.kind === 'task' ? each.task.prompt : each))
      assert.deepEqual(words, [null, null, 'readable'])
      await log.prune(100)
      assert.deepEqual((await log.after(0, 10)).length, 1)
    } finally {
      await one.close()
      await two.close()
    }
  })

  it('forgets what nodes kept for each other, however much it is', async () => {
    const url = await server.create()
    const store = await openStore({ path: '', url, synchronous: 'full' })
    try {
      const now = 50 * 3_600_000
      const fill = () =>
        server.run(
          url,
          `INSERT INTO turn_events (turn_id, seq, data, at) SELECT 'turn', n, '{}', ${now} - 600000 - n FROM generate_series(1, 12000) AS n;
          INSERT INTO turn_events (turn_id, seq, data, at) VALUES ('turn', 20000, '{}', ${now} - 600000)`,
        )
      const left = async () => (await server.run(url, 'SELECT seq::int AS seq FROM turn_events')).map(({ seq }) => seq)
      await fill()
      await store.cluster?.events.prune(now - 600_000)
      assert.deepEqual(await left(), [20_000])
      await server.run(url, 'DELETE FROM turn_events')
      await fill()
      const node = (id: string, seenAt: number) => `('${id}', 'h', 1, '', '1', 1, '', 0, 0, 1, ${seenAt})`
      await server.run(
        url,
        `INSERT INTO nodes (id, host, pid, url, version, schema, config, hears, draining, started_at, seen_at) VALUES ${node('gone', now - 86_400_001)}, ${node('seen', now - 86_400_000)}`,
      )
      const forgotten = new Map<string, number>()
      for await (const { table, rows } of store.forgetOld({}, now)) forgotten.set(table, (forgotten.get(table) ?? 0) + rows)
      assert.deepEqual([forgotten.get('turn_events'), forgotten.get('nodes')], [12_000, 1])
      assert.deepEqual(await left(), [20_000])
      assert.deepEqual(await server.run(url, 'SELECT id FROM nodes'), [{ id: 'seen' }])
    } finally {
      await store.close()
    }
  })

  it('finds notes by the beginnings of words, without accents, the closest first', async () => {
    const store = await openStore({ path: '', url: await server.create(), synchronous: 'full' })
    const write = (key: string, value: string) =>
      store.memory.write({ key, value, origin: { author: { kind: 'owner' }, trust: 'trusted', private: false }, now: 1 })
    await write('pets', 'Ein Hund und drei KATZEN wohnen hier, dazu Vögel, Fische, Mäuse und manches andere')
    await write('cat', 'Katze')
    await write('travel', 'Zürich, Γειά σου, don’t "quote" & | ! me:*')
    assert.deepEqual(
      (await store.memory.search('katz', 5)).map(({ key }) => key),
      ['cat', 'pets'],
    )
    assert.deepEqual(
      (await store.memory.search('ZURICH', 5)).map(({ key }) => key),
      ['travel'],
    )
    assert.deepEqual(
      (await store.memory.search('γεια', 5)).map(({ key }) => key),
      ['travel'],
    )
    assert.deepEqual(await store.memory.search("quot & ! | ' \\ <-> nothing", 5).then((found) => found.map(({ key }) => key)), ['travel'])
    await store.close()
  })

  it('seals what is there, and opens it again, at a start', async () => {
    const own = await server.create()
    const open = (isOn: boolean) => openStore({ path: '', url: own, synchronous: 'full', encrypt: { isOn, key: () => Buffer.alloc(32, 7) } })
    const value = async () => (await server.run(own, 'SELECT min(value) AS least, max(value) AS most, count(*)::int AS count FROM memory'))[0]
    const plain = await open(false)
    for (let index = 0; index < 250; index++)
      await plain.memory.write({
        key: `note-${index}`,
        value: `secret ${index}`,
        origin: { author: { kind: 'owner' }, trust: 'trusted', private: false },
        now: 1,
      })
    await plain.close()
    const sealed = await open(true)
    const otherKey = openStore({ path: '', url: own, synchronous: 'full', encrypt: { isOn: true, key: () => Buffer.alloc(32, 8) } })
    await assert.rejects(otherKey, code('secrets/sealed'), 'a node with another key does not start')
    assert.match(String((await value())?.['most']), /^enc:t1:/)
    assert.match(String((await value())?.['least']), /^enc:t1:/)
    assert.equal((await sealed.memory.read('note-7'))?.value, 'secret 7')
    assert.deepEqual(
      (await sealed.memory.search('249', 5)).map(({ key }) => key),
      ['note-249'],
    )
    await sealed.close()
    await (await open(false)).close()
    assert.deepEqual(await value(), { least: 'secret 0', most: 'secret 99', count: 250 })
  })

  it('tells what is wrong with an address without repeating it', async () => {
    for (const wrong of [
      'mysql://u:hush@h/d',
      'postgres://u:hush@h',
      'postgres://:hush@h/d',
      'postgres://u:hush@h/d?sslmode=maybe',
      'postgres://u:hush@h/d?x=1',
      'hush',
    ])
      assert.throws(
        () => postgresAddress(wrong),
        (error) => code('store/unavailable')(error) && error instanceof Error && !error.message.includes('hush'),
      )
    await assert.rejects(openStore({ path: '', url: url.replace('cara@', 'nobody@'), synchronous: 'full' }), code('store/unavailable'))
    await assert.rejects(openStore({ path: '', url: `${url}_none`, synchronous: 'full' }), code('store/unavailable'))
  })

  it('encrypts beyond this machine, and checks who answers, unless the address says otherwise', () => {
    assert.equal(postgresAddress('postgres://u@127.0.0.1/d').ssl, false)
    assert.equal(postgresAddress('postgres://u@[::1]/d').ssl, false)
    assert.deepEqual(postgresAddress('postgres://u:a%40b@localhost/d?host=/run/postgresql'), {
      host: '/run/postgresql',
      port: 5432,
      path: '/run/postgresql/.s.PGSQL.5432',
      database: 'd',
      user: 'u',
      password: 'a@b',
      ssl: false,
    })
    assert.equal(postgresAddress('postgres://u@db.example.org:6000/d').ssl, 'verify-full')
    assert.equal(postgresAddress('postgres://u@10.0.0.5/d?sslmode=require').ssl, 'require')
    assert.equal(postgresAddress('postgres://u@10.0.0.5/d?sslmode=disable').ssl, false)
  })
})
