/** The doors together before the real gateway: what one does is seen through the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentEvent } from '../../src/contracts/ws/agent.ts'
import { chatHistoryResult, chatSendResult } from '../../src/contracts/ws/chat.ts'
import { sessionsDeleteResult, sessionsListResult } from '../../src/contracts/ws/sessions.ts'
import { statusResult } from '../../src/contracts/ws/health.ts'
import { openDoors, type OpenDoors } from '../doubles/open-doors.ts'
import { says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { connectSocket } from '../doubles/socket-client.ts'
import { testGateway } from '../doubles/test-gateway.ts'

interface Whole extends AsyncDisposable {
  readonly doors: OpenDoors
}

async function whole(scenes: readonly Scene[]): Promise<Whole> {
  const cara = await testGateway({ providers: [scriptedProvider('fake', scenes)] })
  const doors = await openDoors({}, { gateway: cara.gateway })
  return {
    doors,
    async [Symbol.asyncDispose]() {
      await doors[Symbol.asyncDispose]()
      await cara.close()
    },
  }
}

const silence: Scene = [{ type: 'text-delta', text: 'Well' }, (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve([])))]

test('a conversation over the socket is continued over HTTP, and seen by both', async () => {
  await using system = await whole([says('One.'), says('Two.')])
  const { doors } = system
  const client = await connectSocket(doors)
  const first = await client.result('chat.send', chatSendResult, { message: 'first', idempotencyKey: 'k1', sessionKey: 'shared', wait: true })
  assert.equal(first.result?.text, 'One.')
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'second' }] })
  const answer = await doors.ask('/v1/chat/completions', { method: 'POST', body, headers: { 'x-carapace-session': 'shared' } })
  assert.equal(JSON.parse(answer.body).choices[0].message.content, 'Two.')
  const history = await client.result('chat.history', chatHistoryResult, { sessionKey: 'shared' })
  assert.deepEqual(
    history.messages.map(({ role, text }) => [role, text]),
    [
      ['user', 'first'],
      ['assistant', 'One.'],
      ['user', 'second'],
      ['assistant', 'Two.'],
    ],
  )
  const again = await client.result('chat.send', chatSendResult, { message: 'first', idempotencyKey: 'k1', sessionKey: 'shared', wait: true })
  assert.deepEqual([again.status, again.runId, again.result?.text], ['repeated', first.runId, 'One.'])
  const streams = client.frames.flatMap((frame) => (frame.type === 'event' && frame.event === 'agent' ? [agentEvent.parse(frame.payload)] : []))
  assert.equal(streams.filter(({ stream }) => stream === 'complete').length, 2)
  assert.equal((await client.result('status', statusResult)).finishedTurns, 2)
  await client.close()
})

test('resetting and deleting a conversation ends its turns first: no late answer comes back', async () => {
  await using system = await whole([silence, silence])
  const client = await connectSocket(system.doors)
  const begin = async (idempotencyKey: string) => {
    const { runId } = await client.result('chat.send', chatSendResult, { message: 'go', idempotencyKey, sessionKey: 'a' })
    await client.event('agent', (payload) => Object(payload).runId === runId && Object(payload).stream === 'text')
  }
  await begin('k1')
  assert.ok((await client.call('sessions.reset', { key: 'a' })).ok)
  assert.deepEqual((await client.result('chat.history', chatHistoryResult, { sessionKey: 'a' })).messages, [])
  await begin('k2')
  assert.equal((await client.result('sessions.delete', sessionsDeleteResult, { key: 'a' })).deleted, true)
  assert.equal((await client.result('sessions.list', sessionsListResult)).total, 0)
  await client.close()
})
