/** Questions to the owner over HTTP and WebSocket, before the whole program. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { agentEvent, agentResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { approvalsListResult, approvalsResolveResult, whyResult } from '../../src/contracts/ws/approvals.ts'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const HELD = chatReply({ calls: [{ id: 'c1', name: 'web_fetch', arguments: '{"url":"https://unasked.invalid/x"}' }] })
const DONE = chatReply({ text: ['All done.'] })
const QUICK = { approvals: { holdConnectionMs: 50 } }
const SLOW = { approvals: { holdConnectionMs: 60_000 } }

const completion = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string() })) })

async function post(cara: ConfiguredGateway, path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const all = { authorization: `Bearer ${cara.token}`, 'content-type': 'application/json', ...headers }
  return fetch(`${cara.url}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

async function pending(cara: ConfiguredGateway) {
  const response = await fetch(`${cara.url}/v1/approvals?status=pending&limit=10`, { headers: { authorization: `Bearer ${cara.token}` } })
  return approvalsListResult.parse(await response.json()).approvals
}

async function untilAsked(cara: ConfiguredGateway) {
  for (;;) {
    const found = await pending(cara)
    if (found.length > 0) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const HELLO = { model: 'carapace', messages: [{ role: 'user', content: 'hello' }] }
const SESSION = { 'x-carapace-session': 'main' }

describe('a client of /v1 whose turn waits for the owner', () => {
  it('is told what waits and how to answer; in a conversation the turn goes on when that happens', async () => {
    await using cara = await configuredGateway(QUICK)
    cara.upstream.script(HELD, DONE, DONE)
    const { choices } = completion.parse(await (await post(cara, '/v1/chat/completions', HELLO, SESSION)).json())
    const [asked] = await pending(cara)
    assert.equal(choices[0]?.finish_reason, 'stop')
    assert.match(choices[0]?.message.content ?? '', /waits for it:\n- web_fetch \(apr_\w+\)\n.*cara approvals/)
    assert.ok(choices[0]?.message.content.includes(asked?.id ?? '?'))
    assert.doesNotMatch(choices[0]?.message.content ?? '', /unasked/, 'nothing of the arguments, which may be a stranger’s')
    const answers = [{ id: asked?.id, hash: asked?.hash, decision: 'deny', note: 'Not this one.' }]
    const resolved = approvalsResolveResult.parse(await (await post(cara, '/v1/approvals/resolve', { answers })).json())
    assert.partialDeepStrictEqual(resolved.approvals[0], { status: 'denied', decision: { by: 'owner', door: 'http', note: 'Not this one.' } })
    const { result } = agentWaitResult.parse(await cara.client.call('agent.wait', { runId: asked?.runId }))
    assert.equal(result?.text, 'All done.')
  })

  it('is told the same in a stream and by the Responses route', async () => {
    await using cara = await configuredGateway(QUICK)
    cara.upstream.script(HELD, HELD)
    const stream = await (await post(cara, '/v1/chat/completions', { ...HELLO, stream: true }, SESSION)).text()
    assert.match(stream, /web_fetch \(apr_\w+\)/)
    assert.match(stream, /"finish_reason":"stop".*\[DONE\]/s)
    const events = await (await post(cara, '/v1/responses', { model: 'carapace', input: 'hello', stream: true }, { 'x-carapace-session': 'second' })).text()
    assert.match(events, /web_fetch \(apr_\w+\).*response\.completed/s)
    assert.equal((await pending(cara)).length, 2)
  })

  it('outside a conversation is over then, and its questions with it', async () => {
    await using cara = await configuredGateway(QUICK)
    cara.upstream.script(HELD)
    const { choices } = completion.parse(await (await post(cara, '/v1/chat/completions', HELLO)).json())
    assert.match(choices[0]?.message.content ?? '', /ended here, because it was asked outside a conversation/)
    while ((await pending(cara)).length > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(approvalsListResult.parse(await cara.client.call('approvals.list', { status: 'cancelled' })).total, 1)
  })

  it('gets the whole answer on the same connection when the owner is quick', async () => {
    await using cara = await configuredGateway(SLOW)
    cara.upstream.script(HELD, DONE)
    const answer = post(cara, '/v1/chat/completions', { ...HELLO, stream: true })
    const [asked] = await untilAsked(cara)
    await post(cara, '/v1/approvals/resolve', { answers: [{ id: asked?.id, hash: asked?.hash, decision: 'deny' }] })
    const text = await (await answer).text()
    // Deltas end where the stages let go.
    assert.equal(Array.from(text.matchAll(/"content":"([^"]*)"/g), ([, delta]) => delta).join(''), 'All done.')
    assert.doesNotMatch(text, /apr_/)
  })

  it('may go away: in a conversation the question stays, outside one it is cancelled', async () => {
    await using cara = await configuredGateway(SLOW)
    cara.upstream.script(HELD, HELD)
    const leave = async (headers: Readonly<Record<string, string>>) => {
      const away = new AbortController()
      const asked = Promise.withResolvers<void>()
      const stop = cara.client.onEvent((event) => event === 'approval' && asked.resolve())
      const all = { authorization: `Bearer ${cara.token}`, 'content-type': 'application/json', ...headers }
      const asking = fetch(`${cara.url}/v1/chat/completions`, { method: 'POST', headers: all, body: JSON.stringify(HELLO), signal: away.signal }).catch(
        () => null,
      )
      await asked.promise
      stop()
      away.abort()
      await asking
    }
    await leave(SESSION)
    await leave({})
    while ((await pending(cara)).length > 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal((await pending(cara))[0]?.sessionKey, 'main')
  })
})

describe('HTTP', () => {
  it('refuses what is no answer, and parameters that are none', async () => {
    await using cara = await configuredGateway()
    for (const body of [{}, { answers: [] }, { answers: [{ id: 'apr_1', hash: 'x', decision: 'allow' }] }, { answers: 'all' }]) {
      assert.equal((await post(cara, '/v1/approvals/resolve', body)).status, 400)
    }
    const unknown = await post(cara, '/v1/approvals/resolve', { answers: [{ id: 'apr_1', hash: '0'.repeat(64), decision: 'allow' }] })
    assert.equal(unknown.status, 404)
    const headers = { authorization: `Bearer ${cara.token}` }
    for (const query of ['status=all', 'limit=0', 'limit=x', 'other=1'])
      assert.equal((await fetch(`${cara.url}/v1/approvals?${query}`, { headers })).status, 400, query)
  })
})

describe('WebSocket', () => {
  it('tells a waiting turn by agent.wait, chat.send and events, and why by its id', async () => {
    await using cara = await configuredGateway()
    cara.upstream.script(HELD, DONE, HELD)
    const heard: string[] = []
    cara.client.onEvent((event, payload) => {
      if (event === 'agent') heard.push(agentEvent.parse(payload).stream)
      if (event === 'approval') heard.push(`${event} ${approvalsListResult.pick({ approvals: true }).parse(payload).approvals[0]?.status}`)
    })
    const { runId } = agentResult.parse(await cara.client.call('agent', { message: 'hello', idempotencyKey: 'a', sessionKey: 'main' }))
    const waiting = agentWaitResult.parse(await cara.client.call('agent.wait', { runId }))
    assert.equal(waiting.status, 'waiting')
    const again = agentWaitResult.parse(await cara.client.call('agent.wait', { runId }))
    assert.deepEqual(again, waiting, 'also where it waits already')
    assert.equal(agentWaitResult.parse(await cara.client.call('agent.wait', { runId, untilEnd: true, timeoutMs: 50 })).status, 'timeout')
    const ended = cara.client.call('agent.wait', { runId, untilEnd: true })
    const answers = waiting.approvals?.map(({ id, hash }) => ({ id, hash, decision: 'deny' }))
    await cara.client.call('approvals.resolve', { answers })
    assert.equal(agentWaitResult.parse(await ended).result?.text, 'All done.')
    assert.deepEqual(
      heard.filter((name) => name !== 'text'),
      ['started', 'approval pending', 'approval', 'approval denied', 'started', 'tool_use', 'tool_result', 'complete'],
    )
    const [denied] = waiting.approvals ?? []
    const why = whyResult.parse(await cara.client.call('why', { id: runId }))
    assert.deepEqual([why.approvals[0]?.id, why.refusals[0]?.rule], [denied?.id, 'ownerApproved'])
    const sent = chatSendResult.parse(await cara.client.call('chat.send', { message: 'hello', idempotencyKey: 'b', wait: true }))
    assert.deepEqual([sent.result, sent.approvals?.length], [undefined, 1])
  })
})
