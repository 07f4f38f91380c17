/** `kill -9` around an answer of the owner: what he allowed happens once, and what may be a repeat is marked as one; never without his answer. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { agentResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { approvalsListResult } from '../../src/contracts/ws/approvals.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { newestReceipts } from '../../src/telemetry/audit/newest.ts'
import { startChatModel } from '../doubles/chat-model.ts'
import { cleanEnvironment, startProgram, type Program } from '../doubles/gateway-process.ts'
import { startLoopback, type Listener } from '../doubles/loopback.ts'

const CALL = { id: 'c1', name: 'message_send', arguments: '{"to":"team-chat","text":"hello"}' }

interface Scene {
  readonly folder: string
  readonly start: () => Promise<{ readonly program: Program; readonly client: GatewayClient }>
}

/** Programs that are killed and started again in one folder, with a model and a receiver that outlive them. */
async function openScene(t: TestContext, answer: Parameters<typeof startChatModel>[0], receive: Listener, format: string, more: object = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-answer-kill-'))
  const programs: Program[] = []
  const receiver = await startLoopback(receive)
  const model = await startChatModel(answer)
  t.after(async () => {
    for (const program of programs) await program.kill()
    await receiver.close()
    await model.close()
    await rm(folder, { recursive: true, force: true })
  })
  const destinations = { 'team-chat': { url: new URL('/hook', receiver.url).href, format } }
  await writeFile(join(folder, 'carapace.json5'), JSON.stringify({ messages: { destinations }, ...more }))
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: model.baseUrl })
  return {
    folder,
    async start() {
      const program = startProgram(env)
      programs.push(program)
      await program.ready()
      return { program, client: await program.connect() }
    },
  }
}

for (const blow of ['while it waits', 'after the answer', 'after the intent'] as const) {
  test(`killed ${blow}, an allowed call happens once, and a repeat is marked`, { timeout: 60_000 }, async (t) => {
    const posts: string[] = []
    const struck = Promise.withResolvers<void>()
    const receive: Listener = async (request, response) => {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += String(piece)
      posts.push(body)
      if (blow === 'after the intent' && posts.length === 1) {
        struck.resolve()
        return
      }
      response.writeHead(200).end()
    }
    const { folder, start } = await openScene(t, (body) => (body.includes('"role":"tool"') ? { text: ['Done.'] } : { calls: [CALL] }), receive, 'slack')
    const first = await start()
    const { runId } = agentResult.parse(await first.client.call('agent', { message: 'hello', idempotencyKey: 'a', sessionKey: 'main' }))
    const waiting = agentWaitResult.parse(await first.client.call('agent.wait', { runId, timeoutMs: 20_000 }))
    const answers = (waiting.approvals ?? []).map(({ id, hash }) => ({ id, hash, decision: 'allow' }))
    assert.equal(answers.length, 1)
    if (blow !== 'while it waits') await first.client.call('approvals.resolve', { answers })
    if (blow === 'after the intent') await struck.promise
    await first.program.kill()
    if (blow === 'while it waits') assert.equal(posts.length, 0)

    const second = await start()
    const left = approvalsListResult.parse(await second.client.call('approvals.list'))
    assert.equal(left.total, blow === 'while it waits' ? 1 : 0)
    if (blow === 'while it waits') await second.client.call('approvals.resolve', { answers })
    const { status, result } = agentWaitResult.parse(await second.client.call('agent.wait', { runId, timeoutMs: 20_000, untilEnd: true }))
    assert.deepEqual([status, result?.text], ['ok', 'Done.'])
    const [outcome] = result?.toolCalls ?? []
    assert.equal(result?.toolCalls.length, 1)
    assert.match(outcome?.output ?? '', blow === 'while it waits' ? /^Sent$/ : /^(?:Sent$|Queued: )/)
    while (posts.length < (blow === 'after the intent' ? 2 : 1)) await sleep(20)
    // The receiver knows no keys.
    assert.deepEqual(
      posts.slice(1).filter((post) => !post.includes('possibly a repeat')),
      [],
    )
    await second.client.close()
    second.program.child.kill('SIGTERM')
    await second.program.ended
    const kinds = newestReceipts(join(folder, 'state', 'audit'), 1000, null).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'approval-decided').length, 1)
    assert.ok(kinds.indexOf('approval-decided') < kinds.indexOf('effect-intended'))
  })
}

test('a question that was asked right before a kill is told by the next start, and each is told once', { timeout: 60_000 }, async (t) => {
  /** By their keys: the receiver takes each once. */
  const posts = new Map<unknown, string>()
  const waiting: { readonly holds: () => boolean; readonly tell: () => void }[] = []
  const receive: Listener = async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    posts.set(request.headers['webhook-id'], body)
    response.writeHead(200).end()
    for (const { holds, tell } of waiting) if (holds()) tell()
  }
  const { start } = await openScene(t, () => ({ calls: [CALL] }), receive, 'json', { approvals: { notify: ['team-chat'] } })
  const timesTold = (id: string) => [...posts.values()].filter((post) => post.includes(id)).length
  const told = (id: string) => new Promise<void>((tell) => (timesTold(id) > 0 ? tell() : waiting.push({ holds: () => timesTold(id) > 0, tell })))
  const ask = async (client: GatewayClient, key: string) => {
    const { runId } = agentResult.parse(await client.call('agent', { message: 'hello', idempotencyKey: key, sessionKey: key }))
    const { approvals = [] } = agentWaitResult.parse(await client.call('agent.wait', { runId, timeoutMs: 20_000 }))
    const [{ id } = { id: '' }] = approvals
    assert.match(id, /^apr_/)
    return id
  }
  const first = await start()
  const one = await ask(first.client, 'one')
  await told(one)
  // Within the pause between two messages: nobody is told of it yet.
  const two = await ask(first.client, 'two')
  await first.program.kill()
  const second = await start()
  await told(two)
  await second.program.kill()
  const third = await start()
  const three = await ask(third.client, 'three')
  await told(three)
  assert.deepEqual([one, two, three].map(timesTold), [1, 1, 1])
})
