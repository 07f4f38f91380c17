/** `kill -9` while a message is on its way: a receiver that knows keys gets it again under the same one, any other is told that it may be a repeat. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import { cleanEnvironment, startProgram, type Program } from '../doubles/gateway-process.ts'
import { startLoopback } from '../doubles/loopback.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'

async function killedWhileSending(format: 'json' | 'slack') {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-message-'))
  const model = await startModelServer()
  const keys: (string | undefined)[] = []
  const bodies: string[] = []
  const running: { program: Program | null } = { program: null }
  const receiver = await startLoopback(async (request, response) => {
    keys.push(request.headers['idempotency-key']?.toString())
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    bodies.push(body)
    if (keys.length > 1) return void response.end()
    await running.program?.kill()
    response.destroy()
  })
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: `${model.url.origin}/v1` })
  writeFileSync(env['CARAPACE_CONFIG_PATH'] ?? '', JSON.stringify({ messages: { destinations: { 'team-chat': { url: receiver.url.href, format } } } }))
  const start = async () => {
    running.program = startProgram(env)
    await running.program.ready()
    return running.program
  }
  try {
    const send = chatReply({ calls: [{ id: 'c1', name: 'message_send', arguments: '{"to":"team-chat","text":"hello"}' }] })
    model.script(send, chatReply({ text: ['done'] }))
    const program = await start()
    const client = await program.connect()
    const sent = client.call('chat.send', { message: 'Send "hello" to team-chat', sessionKey: 'main', idempotencyKey: 'k1' })
    const { runId } = chatSendResult.parse(await sent)
    await program.ended
    const again = await start()
    const next = await again.connect()
    const { result } = agentWaitResult.parse(await next.call('agent.wait', { runId, timeoutMs: 20_000 }))
    assert.equal(result?.text, 'done')
    return { keys, bodies, result: result.toolCalls.map(({ output }) => output) }
  } finally {
    await running.program?.kill()
    await receiver.close()
    await model.close()
    await rm(folder, { recursive: true, force: true })
  }
}

test('a message that a crash cut off is sent again under its key, and marked where the receiver knows no keys', { timeout: 60_000 }, async () => {
  const keyed = await killedWhileSending('json')
  assert.equal(keyed.keys.length, 2)
  assert.match(keyed.keys[0] ?? '', /^[\w-]{22}$/)
  assert.equal(keyed.keys[1], keyed.keys[0])
  assert.deepEqual(keyed.result, ['Sent'])
  const unkeyed = await killedWhileSending('slack')
  assert.deepEqual(unkeyed.keys, [undefined, undefined])
  assert.deepEqual(
    unkeyed.bodies.map((body) => JSON.parse(body).text),
    ['hello', '(possibly a repeat)\nhello'],
  )
  assert.deepEqual(unkeyed.result, ['Sent'])
})
