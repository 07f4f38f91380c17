/** Keys of `approvals`: what the owner writes into the file decides what becomes of a call that is held. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { approvalsListResult } from '../../src/contracts/ws/approvals.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const HELD = chatReply({ calls: [{ id: 'c1', name: 'web_fetch', arguments: '{"url":"https://unasked.invalid/x"}' }] })
const DONE = chatReply({ text: ['done'] })

async function ask(cara: ConfiguredGateway, idempotencyKey: string) {
  const { runId } = agentResult.parse(await cara.client.call('agent', { message: 'hello', idempotencyKey }))
  return agentWaitResult.parse(await cara.client.call('agent.wait', { runId, timeoutMs: 20_000 }))
}

describe('approvals', () => {
  it('mode decides whether a held call is asked about, passes or is refused', async () => {
    await using asks = await configuredGateway()
    asks.upstream.script(HELD)
    assert.equal((await ask(asks, 'a')).status, 'waiting')
    await using denies = await configuredGateway({ approvals: { mode: 'deny' } })
    denies.upstream.script(HELD, DONE)
    assert.match((await ask(denies, 'a')).result?.toolCalls[0]?.output ?? '', /^Refused: .*not known from you/s)
    await using lets = await configuredGateway({ approvals: { mode: 'shadow' } })
    lets.upstream.script(HELD, DONE)
    assert.match((await ask(lets, 'a')).result?.toolCalls[0]?.output ?? '', /^(?!Refused)/)
  })

  it('holdConnectionMs is how long an HTTP request waits for the answer', async () => {
    await using cara = await configuredGateway({ approvals: { holdConnectionMs: 0 } })
    cara.upstream.script(HELD)
    const headers = { authorization: `Bearer ${cara.token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'carapace', messages: [{ role: 'user', content: 'hello' }] })
    const answer = await fetch(`${cara.url}/v1/chat/completions`, { method: 'POST', headers, body })
    assert.match(await answer.text(), /This needs the owner’s word/)
  })

  it('expireMs is how long a question waits, maxPending how many do', async () => {
    await using cara = await configuredGateway({ approvals: { expireMs: 1000, maxPending: 1 } })
    cara.upstream.script(HELD, HELD, DONE, DONE)
    const first = await ask(cara, 'a')
    assert.equal(first.status, 'waiting')
    assert.match((await ask(cara, 'b')).result?.toolCalls[0]?.output ?? '', /Too many questions wait/)
    const { status, result } = agentWaitResult.parse(await cara.client.call('agent.wait', { runId: first.runId, untilEnd: true }))
    assert.equal(status, 'ok')
    assert.match(result?.toolCalls[0]?.output ?? '', /Nobody answered in time/)
    assert.equal(approvalsListResult.parse(await cara.client.call('approvals.list', { status: 'expired' })).total, 1)
  })
})
