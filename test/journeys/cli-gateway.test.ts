import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { Secret } from '../../src/contracts/secret.ts'
import type { Announcer } from '../../src/gateway/announce.ts'
import { connectGateway } from '../../src/net/gateway-client.ts'
import { cleared } from '../doubles/cleared.ts'
import { openDoors } from '../doubles/open-doors.ts'
import { untilAborted } from '../doubles/scripted-gateway.ts'
import { cara, fakeServices, fakeTerminal } from './cli-fixture.ts'

test('ask prints the answer alone, and keeps nothing without a session', async () => {
  await using running = await openDoors()
  const done = await cara(['ask', 'hello', 'there'], { running })
  assert.deepEqual(done, { code: 0, out: 'hello there\n', err: '' })
  assert.equal(running.gateway.messages[0]?.sessionKey, null)
  await cara(['ask', '--session', 'work', '--model', 'scripted:model', 'again'], { running })
  assert.equal(running.gateway.messages[1]?.sessionKey, 'work')
  assert.equal(running.gateway.messages[1]?.options.model, 'scripted:model')
})

test('ask --json gives text, tool calls and usage', async () => {
  await using running = await openDoors()
  running.gateway.script = () => ({
    text: 'It is 391',
    toolCalls: [{ callId: 'c1', tool: 'math_eval', input: { expression: '17*23' }, output: '391', isError: false, ms: 2 }],
    costUsd: 0.001,
  })
  const done = await cara(['ask', '--json', 'x'], { running })
  const result: unknown = JSON.parse(done.out)
  assert.equal(done.code, 0)
  assert.partialDeepStrictEqual(result, { text: 'It is 391', costUsd: 0.001, toolCalls: [{ tool: 'math_eval', output: '391' }] })
})

test('ask reads standard input, and refuses more than a message may hold', async () => {
  await using running = await openDoors()
  const io = fakeTerminal()
  io.input.end('from a pipe\n')
  assert.equal((await cara(['ask', '-'], { running, io })).out, 'from a pipe\n')
  const big = fakeTerminal()
  big.input.end('x'.repeat(600 * 1024))
  const refused = await cara(['ask', '-'], { running, io: big })
  assert.equal(refused.code, 1)
  assert.match(refused.err, /512 kB/)
})

test('what a model writes cannot steer the terminal', async () => {
  await using running = await openDoors()
  const evil = 'a\u001b[2Jb\u009b31mc\u0007d\u202ee\rf'
  running.gateway.script = ({ emit }) => {
    for (const text of evil) emit({ type: 'text-delta', text })
    return { text: evil, toolCalls: [] }
  }
  for (const isTerminal of [true, false]) {
    const { out } = await cara(['ask', 'x'], { running, io: fakeTerminal({ isTerminal }) })
    assert.match(out, /a\[2Jb31mcdef/)
    // oxlint-disable-next-line no-control-regex -- that is the point
    assert.doesNotMatch(out, /[\u001b\u009b\u0007\u202e\r]/)
  }
  // oxlint-disable-next-line no-control-regex -- that is the point
  assert.doesNotMatch((await cara(['ask', '--json', 'x'], { running })).out, /[\u001b\u009b\u0007\u202e\r]/)
})

test('ask starts a gateway of its own where none runs, and stops it', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable })
  const done = await cara(['ask', 'hello'], { services })
  assert.deepEqual([done.code, done.out, services.started, services.stopped()], [0, 'hello\n', [{ embedded: true }], 1])
})

test('commands that serve themselves from one state folder take turns', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable, lockedTimes: 2 })
  assert.deepEqual(await cara(['ask', 'hello'], { services }), { code: 0, out: 'hello\n', err: '' })
  assert.equal(services.started.length, 3)
})

test('a question that a stopping gateway refused is asked once more', async () => {
  await using running = await openDoors()
  const submit = running.gateway.submit.bind(running.gateway)
  let refusals = 0
  running.gateway.submit = (...message) => (refusals++ === 0 ? Promise.reject(new AppError('gateway/stopping')) : submit(...message))
  assert.deepEqual(await cara(['ask', 'hello'], { running }), { code: 0, out: 'hello\n', err: '' })
  running.gateway.submit = () => Promise.reject(new AppError('gateway/stopping'))
  assert.equal((await cara(['ask', 'hello'], { running })).code, 3)
})

test('a named gateway that does not answer is an error, not a reason to start one', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable })
  const done = await cara(['ask', '--port', '1', 'hello'], { services })
  assert.equal(done.code, 3)
  assert.match(done.err, /^error: No gateway answers there.*\nnext: {2}\S/)
  assert.deepEqual(services.started, [])
})

test('the exit code says what failed', async () => {
  await using running = await openDoors()
  const failing = async (error: AppError) => {
    running.gateway.script = () => {
      throw error
    }
    return (await cara(['ask', 'x'], { running })).code
  }
  assert.equal(await failing(new AppError('provider/auth')), 5)
  assert.equal(await failing(new AppError('turn/budget')), 1)
  assert.equal((await cara(['ask', 'x', '--model', 'nobody:none'], { running })).code, 5)
  assert.equal((await cara(['ask', 'x'])).code, 1)
  assert.equal((await cara(['config', 'show'], { settings: () => Promise.reject(new AppError('config/invalid')) })).code, 4)
  assert.equal((await cara(['status'])).code, 3)
})

test('errors are JSON where JSON is asked for', async () => {
  const done = await cara(['status', '--json'])
  assert.equal(done.out, '')
  assert.deepEqual(JSON.parse(done.err), { error: { code: 'gateway/unreachable', message: 'No gateway answers there', hint: 'Start one with: cara start' } })
})

test('Ctrl-C cancels the turn at the gateway', async () => {
  await using running = await openDoors()
  running.gateway.script = ({ emit, signal }) => {
    emit({ type: 'text-delta', text: 'begun' })
    return untilAborted(signal)
  }
  const io = fakeTerminal()
  const aborted = running.gateway.aborted()
  const done = cara(['ask', 'x'], { running, io })
  await io.shows('begun')
  io.signal('SIGINT')
  assert.equal((await done).code, 130)
  await aborted
})

test('status, models, usage and logs say what the gateway says', async () => {
  await using running = await openDoors()
  await cara(['ask', 'x'], { running })
  running.logLines.write('{"time":"2026-11-22T10:00:00.000Z","level":"warn","event":"turn.slow","ms":5}')
  assert.match((await cara(['status'], { running })).out, /model +scripted:model \(config\)\n/)
  assert.match((await cara(['models'], { running })).out, /\* +scripted:model +model +1000/)
  assert.match((await cara(['usage', '--by', 'model'], { running })).out, /\ntotal /)
  assert.match((await cara(['logs'], { running })).out, /^2026-11-22T10:00:00.000Z warn {2}turn.slow ms=5\n$/)
  running.gateway.notReady.push('the database is locked')
  const notReady = await cara(['status'], { running })
  assert.equal(notReady.code, 1)
  assert.match(notReady.out, /the database is locked/)
})

test('logs -f prints new lines until Ctrl-C, then unfollows', async () => {
  await using running = await openDoors()
  running.logLines.write('{"time":"1","level":"info","event":"first"}')
  const io = fakeTerminal()
  const done = cara(['logs', '-f', '--json'], { running, io })
  await io.shows('first')
  running.logLines.write('{"time":"2","level":"info","event":"second"}')
  await io.shows('second')
  io.signal('SIGINT')
  assert.equal((await done).code, 0)
})

test('sessions: list, show, export to a private file, delete', async () => {
  await using running = await openDoors()
  const origin = { author: { kind: 'owner' }, trust: 'trusted', private: false } as const
  const request = { door: 'ws', sender: { kind: 'owner' }, sessionKey: 'work', parts: [{ type: 'text', text: 'kept `words`', origin }], options: {} } as const
  await running.gateway.store.turns.accept({
    turnId: 'turn_1',
    request: cleared(request),
    now: 1_800_000_000_000,
    queued: false,
    lease: { owner: 'run_1', until: 0 },
  })
  assert.match((await cara(['sessions', 'list'], { running })).out, /\nwork +1 +2027-01-15 08:00:00/)
  assert.match((await cara(['sessions', 'show', 'work'], { running })).out, /^user 2027-01-15 08:00:00\nkept `words`\n$/)

  const folder = await mkdtemp(join(tmpdir(), 'carapace-cli-'))
  try {
    const file = join(folder, 'work.jsonl')
    assert.equal((await cara(['sessions', 'export', 'work', '-o', file], { running })).code, 0)
    const [head, ...lines] = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    assert.partialDeepStrictEqual(head, { session: { key: 'work' } })
    assert.partialDeepStrictEqual(lines, [{ turnId: 'turn_1', message: { role: 'user', parts: [{ type: 'text', text: 'kept `words`' }] } }])
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
  assert.match(
    (await cara(['sessions', 'export', 'work', '--format', 'markdown'], { running })).out,
    /^# work\n[^]*## user, 2027-01-15 08:00:00 UTC\n\nkept `words`\n/,
  )
  assert.deepEqual(await cara(['sessions', 'delete', 'work', 'other'], { running }), { code: 1, out: 'deleted work\nthere is no session other\n', err: '' })
  assert.equal((await cara(['sessions', 'show', 'work'], { running })).code, 1)
})

test('verify tries the way of a message and names the next step', async () => {
  await using running = await openDoors()
  const passed = await cara(['verify', '--outcome', 'local-chat'], { running })
  assert.equal(passed.code, 0)
  assert.match(passed.out, /\[PASS\] configuration: .*\n\[PASS\] gateway: .*\n\[PASS\] model: .*\n\[PASS\] local-chat: answered word for word .*\npassed\n$/)
  running.gateway.script = () => {
    throw new AppError('provider/auth')
  }
  const failed = await cara(['verify', '--json'], { running })
  assert.equal(failed.code, 1)
  assert.partialDeepStrictEqual(JSON.parse(failed.out), { outcome: 'failed', checks: [{}, {}, {}, { name: 'local-chat', status: 'fail' }] })
  const broken = await cara(['verify'], { settings: () => Promise.reject(new AppError('config/invalid', 'x', { hint: 'fix it' })) })
  assert.match(broken.out, /\[FAIL\] configuration: .*\n +next step: fix it\n\[SKIP\] gateway: not tried\n[^]*failed\n$/)
})

test('the client refuses plain text to other machines and a wrong token, and survives garbage', async () => {
  await using running = await openDoors()
  const open = (url: string, token: string) => connectGateway({ url, token: new Secret(token), version: '1', signal: AbortSignal.timeout(5000) })
  await assert.rejects(open('http://192.0.2.1:1', 'x'), { code: 'net/refused' })
  await assert.rejects(open(running.url, 'wrong-token'), { code: 'auth/unauthorized' })
  await assert.rejects(open('http://127.0.0.1:1', 'x'), { code: 'gateway/unreachable' })
  const client = await open(running.url, 'cara_owner_token_0123456789')
  await assert.rejects(client.call('no.such.method'), { code: 'request/not-found' })
  await assert.rejects(client.call('chat.send', { message: 'x'.repeat(600 * 1024) }), { code: 'request/too-large' })
  const waiting = client.call('agent.wait', { runId: 'none' })
  await assert.rejects(waiting, { code: 'turn/not-found' })
  await running.server.close(0)
  await client.closed
  await assert.rejects(client.call('health'), { code: 'gateway/unreachable' })
  await client.close()
})

test('messages list shows names and hosts, messages test tries one', async () => {
  const destination = { name: 'team-chat', kind: 'webhook', format: 'slack', host: 'hooks.example', signed: true, keyed: false } as const
  const tried: unknown[] = []
  const messages: Announcer = {
    destinations: [destination],
    async announce({ to, purpose }) {
      tried.push([to, purpose])
      if (to !== destination.name) throw new AppError('message/unknown-destination', undefined, { hint: 'Known: team-chat' })
      return {
        id: 'out_1',
        host: destination.host,
        outcome: async () => (tried.length === 1 ? { status: 'sent' } : { status: 'queued', why: 'the server failed' }),
      }
    },
  }
  await using running = await openDoors({}, { messages })
  assert.match((await cara(['messages', 'list'], { running })).out, /\nteam-chat +webhook +slack +hooks.example +signed\n/)
  assert.match((await cara(['messages', 'test', 'team-chat'], { running })).out, /^delivered to team-chat \(hooks\.example\) in \d+ ms\n$/)
  const later = await cara(['messages', 'test', 'team-chat'], { running })
  assert.deepEqual([later.code, later.out], [1, 'not delivered yet: the server failed; it is tried again for two minutes\n'])
  const unknown = await cara(['messages', 'test', 'other'], { running })
  assert.deepEqual([unknown.code, unknown.out], [1, ''])
  assert.match(unknown.err, /Known: team-chat/)
  assert.deepEqual(tried, [
    ['team-chat', 'test'],
    ['team-chat', 'test'],
    ['other', 'test'],
  ])
  await using none = await openDoors()
  assert.match((await cara(['messages', 'list'], { running: none })).out, /^none is configured/)
})
