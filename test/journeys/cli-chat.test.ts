import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from '../../src/contracts/message.ts'
import { openDoors, type OpenDoors } from '../doubles/open-doors.ts'
import { untilAborted } from '../doubles/scripted-gateway.ts'
import { cara, fakeServices, fakeTerminal } from './cli-fixture.ts'

const said = (doors: OpenDoors) => doors.gateway.messages.map((message) => textOf({ role: 'user', parts: message.parts }))

test('without a terminal every line is a message, answered in order', async () => {
  await using running = await openDoors()
  const io = fakeTerminal()
  io.input.end('first\n\nsecond\n/exit\nnever\n')
  const done = await cara(['chat', '--session', 'work'], { running, io })
  assert.equal(done.code, 0)
  assert.match(done.out, /^first\nscripted:model · .*\nsecond\nscripted:model · .*\n$/)
  assert.deepEqual(said(running), ['first', 'second'])
  assert.ok(running.gateway.messages.every((message) => message.sessionKey === 'work'))
})

test('shows tools, model changes, the demo label once, and what it cost', async () => {
  await using running = await openDoors()
  running.gateway.script = ({ emit }) => {
    const outcome = { callId: 'c', tool: 'math_eval', input: { expression: '17*23' }, output: '391\n', isError: false, ms: 3 }
    emit({ type: 'turn-started', model: 'demo:small', demo: true })
    emit({ type: 'model-switched', from: 'a:b', to: 'demo:small', reason: 'overloaded' })
    emit({ type: 'tool-started', callId: 'c', tool: 'math_eval', input: outcome.input })
    emit({ type: 'tool-finished', outcome })
    emit({ type: 'text-delta', text: 'It is **391**' })
    return {
      text: 'It is **391**',
      toolCalls: [outcome],
      model: 'demo:small',
      costUsd: 0.0125,
      durationMs: 1200,
      usage: { inputTokens: 5, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
    }
  }
  const io = fakeTerminal()
  io.input.end('one\ntwo\n')
  const { out } = await cara(['chat', '--new'], { running, io })
  assert.equal(out.match(/demo model/g)?.length, 1)
  assert.match(
    out,
    /model a:b → demo:small \(overloaded\)\n⚙ math_eval \{"expression":"17\*23"\} → 391\nIt is 391\ndemo:small · 5 tokens in · 2 out · \$0\.0125 · 1\.2 s\n/,
  )
})

test('on a terminal: prompt, paste as one message, Ctrl-C stops the answer and then leaves', async () => {
  await using running = await openDoors()
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['chat'], { running, io })
  await io.shows('› ')
  io.input.write('\u001b[200~line one\nline two\u001b[201~\r')
  await io.shows('tokens in')
  assert.deepEqual(said(running), ['line one\nline two'])

  running.gateway.script = ({ emit, signal }) => {
    emit({ type: 'text-delta', text: 'thinking' })
    return untilAborted(signal)
  }
  const aborted = running.gateway.aborted()
  io.input.write('slow\r')
  await io.shows('thinking')
  io.input.write('\u0003')
  await io.shows('cancelled')
  assert.equal(await aborted, 'cancelled by the user')
  io.input.write('\u0003')
  assert.equal((await done).code, 0)
})

test('/stop acts while an answer is written; other lines wait for their turn', async () => {
  await using running = await openDoors()
  running.gateway.script = ({ emit, signal }) => {
    emit({ type: 'text-delta', text: 'endless' })
    return untilAborted(signal)
  }
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['chat'], { running, io })
  await io.shows('› ')
  io.input.write('one\r')
  await io.shows('endless')
  io.input.write('/new\r')
  io.input.write('/stop\r')
  await io.shows('cancelled')
  await io.shows('session cli-chat-')
  io.input.write('\u0004')
  assert.equal((await done).code, 0)
  assert.deepEqual(said(running), ['one'])
})

test('commands: /help, /model, /sessions, /new and a word that is none', async () => {
  await using running = await openDoors()
  const io = fakeTerminal()
  io.input.end('/help\n/model\n/model scripted:model\nwith a model\n/sessions\n/sessions other\nelsewhere\n/modle\n')
  const { out } = await cara(['chat'], { running, io })
  for (const name of ['/help', '/new', '/stop', '/model', '/sessions', '/exit']) assert.ok(out.includes(`  ${name}`), name)
  assert.match(out, /\* scripted:model\n/)
  assert.match(out, /there is no \/modle\. Did you mean \/model\?/)
  assert.deepEqual(
    running.gateway.messages.map((message) => [message.sessionKey, message.options.model]),
    [
      ['cli-chat', 'scripted:model'],
      ['other', 'scripted:model'],
    ],
  )
})

test('a gateway that goes away ends the chat with a reason', async () => {
  await using running = await openDoors()
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['chat'], { running, io })
  await io.shows('› ')
  await running.server.close(0)
  const { code, err } = await done
  assert.equal(code, 3)
  assert.match(err, /the connection was lost/)
})

test('start without a terminal: one line, then it drains at the first signal', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable })
  const io = fakeTerminal()
  const done = cara(['start', '--port', '19001'], { services, io })
  await io.shows('\n')
  assert.equal(io.out(), `carapace ready on ${startable.url} · model scripted:model (config)\n`)
  io.signal('SIGTERM')
  assert.equal((await done).code, 0)
  assert.deepEqual([services.started, services.stopped()], [[{ port: 19_001, migrate: false }], 1])
})

test('start --migrate tells the gateway that it may change the schema of others', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable })
  const io = fakeTerminal()
  const done = cara(['start', '--migrate'], { services, io })
  await io.shows('\n')
  io.signal('SIGTERM')
  assert.equal((await done).code, 0)
  assert.deepEqual(services.started, [{ migrate: true }])
})

test('start: the copies of one signal count once, a second one ends it at once', async (t) => {
  await using startable = await openDoors()
  t.mock.method(performance, 'now', () => at)
  let at = 1000
  const stop = Promise.withResolvers<void>()
  const io = fakeTerminal()
  const done = cara(['start'], { io, services: fakeServices({ startable, stopWhen: stop.promise }) })
  await io.shows('ready')
  let isDone = false
  void done.then(() => (isDone = true))
  io.signal('SIGINT')
  io.signal('SIGINT')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isDone, false)
  at += 1000
  io.signal('SIGINT')
  assert.equal((await done).code, 130)
  stop.resolve()
})

test('start on a terminal opens the chat and stops the gateway when it ends', async () => {
  await using startable = await openDoors()
  const services = fakeServices({ startable })
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['start'], { services, io })
  await io.shows('› ')
  io.input.write('hello\r')
  await io.shows('tokens in')
  io.input.write('/exit\r')
  assert.equal((await done).code, 0)
  assert.equal(services.stopped(), 1)
})
