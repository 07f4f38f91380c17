import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { createLog, type LogOptions } from './log.ts'
import { createSecretRegistry } from './secret-registry.ts'

function setUp(t: TestContext, more: Partial<LogOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-log-'))
  const file = join(folder, 'logs', 'gateway.log')
  const secrets = createSecretRegistry()
  const writer = createLog({ level: 'info', file, maxFileBytes: 65_536, secrets, now: () => 0, ...more })
  t.after(() => {
    writer.close()
    rmSync(folder, { recursive: true })
  })
  return { ...writer, folder, file, secrets, read: () => readFileSync(file, 'utf8') }
}

const record = z.record(z.string(), z.unknown())
const parse = (line: string | undefined) => record.parse(JSON.parse(line ?? ''))

test('a line carries time, level, event, bindings and fields', (t) => {
  const { log, tail, flush, read } = setUp(t)
  log.child({ turn: 't1' }).child({ step: 2 }).info('model.asked', { tokens: 3, level: 'forged', time: 'forged' })
  flush()
  const expected = { time: '1970-01-01T00:00:00.000Z', level: 'info', event: 'model.asked', turn: 't1', step: 2, tokens: 3 }
  assert.deepEqual(parse(tail.tail(1)[0]), expected)
  assert.deepEqual(parse(read().trim()), expected)
})

test('lines below the level are not written', (t) => {
  const { log, tail } = setUp(t, { level: 'warn' })
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  assert.deepEqual(
    tail.tail(10).map((line) => parse(line)['event']),
    ['c', 'd'],
  )
})

test('an error is on disk at once, other lines when flushed', (t) => {
  const { log, file, read, flush } = setUp(t)
  log.info('one')
  assert.equal(existsSync(file), false)
  log.error('two', { error: new TypeError('bad', { cause: new Error('deeper') }) })
  const [first, second] = read().trim().split('\n')
  assert.equal(parse(first)['event'], 'one')
  const error = record.parse(parse(second)['error'])
  assert.deepEqual([error['name'], error['message'], error['cause']], ['TypeError', 'bad', 'deeper'])
  log.info('three')
  flush()
  assert.match(read(), /three/)
})

test('16 KiB are written without waiting', (t) => {
  const { log, read } = setUp(t)
  for (let count = 0; count < 20; count++) log.info('x', { text: 'y'.repeat(1000) })
  assert.ok(read().length > 16_000)
})

test('secrets are redacted in every field, also in long and nested ones', (t) => {
  const { log, tail, secrets, flush, read } = setUp(t)
  const secret = 'sk-very-secret-value'
  secrets.add(secret)
  // The cut at 4,096 characters falls inside the secret.
  log.info('x', { plain: secret, deep: [{ url: `https://h/?k=${secret}` }], long: 'z'.repeat(4090) + secret + 'z'.repeat(100), error: new Error(secret) })
  flush()
  for (const text of [read(), tail.tail(1)[0] ?? '']) assert.equal(text.includes('sk-very'), false)
})

test('a line is valid JSON of at most 8 KiB whatever is logged', (t) => {
  const { log, tail } = setUp(t)
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const hostile = {
    toJSON() {
      throw new Error('no')
    },
  }
  log.info('cycle', { cycle })
  log.info('hostile', { hostile })
  log.info('e'.repeat(20_000), { quotes: Array.from({ length: 100 }, () => '"\\\u0000語'.repeat(900)), big: 10n, gone: undefined, symbol: Symbol('s') })
  log.info('terminal', { text: '\u001b[2J\u009b31m\u202e\u2028' })
  for (const line of tail.tail(10)) {
    assert.ok(Buffer.byteLength(line) <= 8192)
    assert.doesNotThrow(() => parse(line))
    assert.doesNotMatch(line, /[\p{Cc}\u202e\u2028]/u)
  }
  assert.equal(parse(tail.tail(2)[0])['truncated'], true)
  assert.equal(parse(tail.tail(1)[0])['text'], '\u001b[2J\u009b31m\u202e\u2028')
})

test('the file is 0600, rotates to one old file, and a link is refused', (t) => {
  const { log, file, flush, folder } = setUp(t)
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 40; count++) log.info(`round-${round}`, { text: 'y'.repeat(1000) })
    flush()
  }
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(statSync(file).size <= 65_536)
  assert.ok(statSync(`${file}.1`).size <= 65_536)
  assert.equal(existsSync(`${file}.2`), false)

  const target = join(folder, 'target')
  writeFileSync(target, 'precious')
  symlinkSync(target, join(folder, 'link.log'))
  const linked = createLog({ level: 'info', file: join(folder, 'link.log'), maxFileBytes: 65_536, secrets: createSecretRegistry() })
  linked.log.error('x')
  linked.close()
  assert.equal(readFileSync(target, 'utf8'), 'precious')
})

test('lines lost to a broken disk are counted when it works again', (t) => {
  const { log, file, read } = setUp(t)
  mkdirSync(file, { recursive: true })
  log.error('lost-one')
  log.error('lost-two')
  rmSync(file, { recursive: true })
  log.error('kept')
  const lines = read().trim().split('\n').map(parse)
  assert.deepEqual(
    lines.map((line) => [line['event'], line['lines']]),
    [
      ['log.lines-lost', 2],
      ['kept', undefined],
    ],
  )
})

test('the ring keeps the newest thousand lines in order', (t) => {
  const { log, tail } = setUp(t, { file: null })
  for (let count = 0; count < 1500; count++) log.info('n', { count })
  assert.equal(tail.tail(5000).length, 1000)
  assert.deepEqual(
    tail.tail(2).map((line) => parse(line)['count']),
    [1498, 1499],
  )
  assert.equal(parse(tail.tail(1000)[0])['count'], 500)
  assert.deepEqual(tail.tail(0), [])
})

test('followers hear new lines until they stop; one that throws is dropped', (t) => {
  const { log, tail } = setUp(t, { file: null })
  const heard: string[] = []
  let throws = 0
  const stop = tail.follow((line) => heard.push(line))
  tail.follow(() => {
    throws++
    throw new Error('broken follower')
  })
  log.info('one')
  log.info('two')
  stop()
  log.info('three')
  assert.equal(heard.length, 2)
  assert.equal(throws, 1)
})
