import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gateway } from '../gateway/gateway.ts'
import { endTurns } from './end-turns.ts'

/** Only what `endTurns` calls; `finish` ends one turn of a conversation. */
function running(count: number) {
  type Listener = Parameters<Gateway['subscribe']>[0]
  const listeners = new Set<Listener>()
  const aborted: string[] = []
  const gateway: Pick<Gateway, 'subscribe' | 'abort'> = {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async abort(_, reason) {
      aborted.push(reason)
      return count
    },
  }
  const finish = (sessionKey: string) => {
    const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
    const rest = { text: '', finishReason: 'stop', clientToolCalls: [], toolCalls: [], model: '', usage, costUsd: null, durationMs: 0 } as const
    for (const hear of listeners)
      hear({ turnId: 't', sessionKey }, { type: 'turn-finished', result: { turnId: 't', sessionKey, status: 'cancelled', ...rest } })
  }
  return { gateway, finish, aborted, listeners }
}

test('waits for every turn of the conversation, and for no other', async () => {
  const { gateway, finish, aborted, listeners } = running(2)
  let isOver = false
  const over = endTurns(gateway, 'a', 'gone').then(() => (isOver = true))
  finish('a')
  finish('b')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isOver, false)
  finish('a')
  await over
  assert.deepEqual(aborted, ['gone'])
  assert.equal(listeners.size, 0)
})

test('does not wait when nothing runs', async () => {
  const { gateway, listeners } = running(0)
  await endTurns(gateway, 'a', 'gone')
  assert.equal(listeners.size, 0)
})
