import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AppError, type ErrorCode } from '../../contracts/errors.ts'
import { OWNER } from '../../contracts/origin.ts'
import type { Task } from '../../contracts/task.ts'
import type { TurnResult } from '../../contracts/turn.ts'
import { NO_USAGE } from '../../contracts/usage.ts'
import { afterRefusal, afterTurn, MAX_WAIT_MS, refuseTry } from './task-outcome.ts'

const NOW = 1_000_000_000
const now = { now: NOW, mayRun: true, random: () => 1 }
const revoked = { ...now, mayRun: false }

function task(more: Partial<Task> = {}): Task {
  return {
    id: 'task_1',
    prompt: 'go',
    origin: OWNER,
    model: null,
    policy: { maxAttempts: 100, maxTotalRuntimeMs: 604_800_000, maxTurns: 25, maxRunTimeoutSeconds: 600 },
    credential: null,
    by: 'owner',
    begunAt: NOW,
    sessionKey: 'task:task_1',
    state: 'running',
    attempts: 1,
    runIds: ['turn_1'],
    turnId: 'turn_1',
    nextAt: NOW + 600_000,
    runUntil: NOW + 600_000,
    blockedReason: null,
    lastError: null,
    since: NOW,
    version: 2,
    createdAt: NOW,
    endedAt: null,
    ...more,
  }
}

function result(more: Partial<TurnResult>): TurnResult {
  return {
    turnId: 'turn_1',
    sessionKey: 'task:task_1',
    status: 'completed',
    text: 'done',
    finishReason: 'stop',
    clientToolCalls: [],
    toolCalls: [],
    model: 'a:b',
    usage: NO_USAGE,
    costUsd: null,
    durationMs: 1,
    ...more,
  }
}
const failure = (code: ErrorCode, more: { readonly retryAfterMs?: number } = {}) => result({ status: 'failed', error: { code, message: code, ...more } })

describe('a task whose turn has ended', () => {
  it('is done by an answer, goes on after a budget or a fault, and ends where the same words would meet the same end', () => {
    const becomes = (end: TurnResult) => {
      const { state, blockedReason = null, lastError = null } = afterTurn(task(), end, now)
      return [state, blockedReason, lastError]
    }
    assert.deepEqual(becomes(result({})), ['done', null, null])
    assert.deepEqual(becomes(result({ finishReason: 'length' })), ['retry_wait', null, 'its answer was cut off'])
    assert.deepEqual(becomes(result({ stoppedBy: 'steps' })), ['retry_wait', null, 'its turn ended at a budget: steps'])
    assert.deepEqual(becomes(result({ stoppedBy: 'money' })), ['blocked', 'operator_action_required', 'its turn used up the money of one turn'])
    assert.deepEqual(becomes(result({ finishReason: 'refused' })), ['failed', null, 'the model refused'])
    assert.deepEqual(becomes(failure('provider/overloaded')), ['retry_wait', null, 'provider/overloaded'])
    assert.deepEqual(becomes(failure('internal')), ['retry_wait', null, 'internal'])
    assert.deepEqual(becomes(failure('provider/auth')), ['blocked', 'config_missing', 'provider/auth'])
    assert.deepEqual(becomes(failure('provider/context-too-long')), ['failed', null, 'provider/context-too-long'])
  })

  it('that was cancelled is cancelled, unless its time was over or its credential ended', () => {
    const cancelled = result({ status: 'cancelled', error: { code: 'turn/cancelled', message: 'The owner said so' } })
    assert.deepEqual(afterTurn(task(), cancelled, now), { state: 'cancelled', lastError: 'The owner said so' })
    const over = afterTurn(task({ runUntil: NOW }), cancelled, now)
    assert.deepEqual([over.state, over.lastError], ['retry_wait', 'its run took longer than 600 s'])
    assert.deepEqual([afterTurn(task(), cancelled, revoked).blockedReason], ['operator_action_required'])
  })

  it('waits longer after each try, at random, as long as the server says, and never beyond a day', () => {
    const waits = (attempts: number, end = failure('provider/overloaded'), random = 1) =>
      (afterTurn(task({ attempts }), end, { ...now, random: () => random }).nextAt ?? 0) - NOW
    assert.deepEqual(
      [1, 2, 3, 4, 20].map((attempts) => waits(attempts)),
      [5000, 10_000, 20_000, 40_000, 900_000],
    )
    assert.equal(waits(4, failure('provider/overloaded'), 0.5), 20_000)
    assert.equal(waits(1, failure('provider/rate-limit', { retryAfterMs: 3_600_000 })), 3_600_000)
    assert.equal(waits(1, failure('provider/rate-limit', { retryAfterMs: 9e12 })), MAX_WAIT_MS)
  })

  it('fails where one of its budgets is used up, and says which', () => {
    const why = (more: Partial<Task>) => {
      const { state, lastError } = afterTurn(task(more), failure('provider/overloaded'), now)
      return [state, lastError]
    }
    const { policy } = task()
    assert.deepEqual(why({ attempts: 100 }), ['failed', 'provider/overloaded (all 100 attempts are used up)'])
    assert.deepEqual(why({ runIds: ['a', 'b'], policy: { ...policy, maxTurns: 2 } }), ['failed', 'provider/overloaded (all 2 turns are used up)'])
    assert.deepEqual(why({ begunAt: NOW - policy.maxTotalRuntimeMs }), ['failed', 'provider/overloaded (its time is used up)'])
  })
})

describe('a try', () => {
  it('does not begin where nobody answers for it, or a budget is used up', () => {
    assert.equal(refuseTry(task(), now), null)
    assert.equal(refuseTry(task(), revoked)?.blockedReason, 'operator_action_required')
    assert.equal(refuseTry(task({ attempts: 100 }), now)?.state, 'failed')
  })

  it('whose turn is not accepted counts, but for one that another node has taken', () => {
    const becomes = (code: ErrorCode, attempts = 1) => {
      const move = afterRefusal(task({ attempts }), new AppError(code), now)
      return move === null ? null : [move.state, move.attempts]
    }
    assert.equal(becomes('store/conflict'), null)
    assert.equal(becomes('gateway/stopping'), null)
    assert.deepEqual(becomes('turn/queue-full'), ['retry_wait', 2])
    assert.deepEqual(becomes('turn/queue-full', 99), ['failed', 100])
    assert.deepEqual(becomes('provider/none'), ['blocked', 2])
    assert.deepEqual(becomes('session/not-found'), ['failed', 2])
  })
})
