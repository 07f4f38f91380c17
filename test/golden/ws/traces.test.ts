/**
 * WebSocket traces: what a client sends, and every frame it gets, with what changes from run to run starred out. Responses and events are two sequences, because requests
 * run concurrently. `UPDATE_GOLDEN=1` writes the traces anew. Every answer also fits the schema that clients parse it with.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type * as z from 'zod'
import type { Approval } from '../../../src/contracts/approval.ts'
import { AppError } from '../../../src/contracts/errors.ts'
import { OWNER } from '../../../src/contracts/origin.ts'
import { agentEvent } from '../../../src/contracts/ws/agent.ts'
import { approvalsListResult } from '../../../src/contracts/ws/approvals.ts'
import { chatEvent } from '../../../src/contracts/ws/chat.ts'
import { cronEvent } from '../../../src/contracts/ws/cron.ts'
import { helloOk } from '../../../src/contracts/ws/connection.ts'
import { logsEvent } from '../../../src/contracts/ws/logs.ts'
import { sessionInfo } from '../../../src/contracts/ws/sessions.ts'
import { taskEvent, taskResult } from '../../../src/contracts/ws/task.ts'
import { eventNames } from '../../../src/contracts/ws-protocol.ts'
import { NO_USAGE } from '../../../src/contracts/usage.ts'
import { methods } from '../../../src/server/methods/registry.ts'
import { cleared } from '../../doubles/cleared.ts'
import { openDoors, type OpenDoors } from '../../doubles/open-doors.ts'
import { untilAborted, type TurnScript } from '../../doubles/scripted-gateway.ts'
import { CONNECT, openSocket, type SocketClient } from '../../doubles/socket-client.ts'

interface Scenario {
  readonly name: string
  readonly script?: TurnScript
  readonly prepare?: (doors: OpenDoors) => Promise<void>
  readonly play: (client: SocketClient, doors: OpenDoors) => Promise<void>
}

const TEXT = { type: 'text', origin: OWNER } as const
const LEASE = { owner: 'run_1', until: 0 }

const busyTurn: TurnScript = async ({ emit }) => {
  emit({ type: 'reasoning-delta', text: 'Let me ' })
  emit({ type: 'reasoning-delta', text: 'see.' })
  emit({ type: 'model-retried', model: 'scripted:model', reason: 'overloaded', waitMs: 10 })
  emit({ type: 'model-switched', from: 'scripted:model', to: 'other:model', reason: 'overloaded' })
  emit({ type: 'tool-started', callId: 'c1', tool: 'math_eval', input: { expression: '1+1' } })
  const outcome = { callId: 'c1', tool: 'math_eval', input: { expression: '1+1' }, output: '2', isError: false, ms: 1 }
  emit({ type: 'tool-finished', outcome })
  emit({ type: 'text-delta', text: 'It is ' })
  emit({ type: 'text-delta', text: 'two.' })
  return { text: 'It is two.', model: 'other:model', toolCalls: [outcome], costUsd: 0.001 }
}

/** One finished turn in the store, as the gateway would leave it. */
async function keepTurn(doors: OpenDoors): Promise<void> {
  const { store } = doors.gateway
  const request = { door: 'ws', sender: OWNER.author, sessionKey: 'notes', parts: [{ ...TEXT, text: 'What is 1+1?' }], options: {} }
  const { sessionId } = await store.turns.accept({ turnId: 'turn_1', request: cleared(request), now: 1000, queued: false, lease: LEASE })
  const reply = {
    role: 'assistant' as const,
    parts: [{ ...TEXT, text: 'Two.', origin: { author: { kind: 'model' as const, name: 'scripted:model' }, trust: 'trusted' as const, private: false } }],
  }
  const result = {
    turnId: 'turn_1',
    sessionKey: 'notes',
    status: 'completed' as const,
    text: 'Two.',
    finishReason: 'stop' as const,
    clientToolCalls: [],
    toolCalls: [],
    model: 'scripted:model',
    usage: { ...NO_USAGE, inputTokens: 9, outputTokens: 2 },
    costUsd: 0.5,
    durationMs: 5,
  }
  await store.turns.finish({
    turnId: 'turn_1',
    sessionId,
    fence: 1,
    request,
    reply,
    replyTokens: 1,
    result,
    taint: { untrusted: false, private: false },
    now: Date.now(),
  })
}

const WRITE = { turnId: 'turn_1', callId: 'c1', effectId: 'e1', sessionId: null, tool: 'memory_write' } as const

const scenarios: readonly Scenario[] = [
  {
    name: 'undo',
    prepare: async ({ gateway }) => {
      const change = { kind: 'memory', key: 'k', before: null, after: 'hash' } as const
      await gateway.store.undo.add(WRITE, { id: 'undo_1', summary: 'remembered k', change, at: 1000 })
    },
    play: async (client) => {
      await client.call('undo.list')
      await client.call('undo.list', { runId: 'turn_2' })
      await client.call('undo.apply', { id: 'undo_1' })
      await client.call('undo.apply', { id: 'undo_1' })
      await client.call('undo.apply', { id: 'undo_2', force: true })
      await client.call('undo.apply', {})
    },
  },
  {
    name: 'outbox',
    prepare: async ({ gateway: { store } }) => {
      const facts = { to: 'chat', lane: 'chat', purpose: 'tool', turnId: 'turn_1', sessionId: null, createdAt: 1000, expiresAt: 9000 } as const
      for (const id of ['out_1', 'out_2']) await store.outbox.accept({ ...facts, id, key: id, parts: [`text of ${id}`] }, { parts: 9, bytes: 999 })
      const claimed = await store.outbox.claim({ id: 'out_1', part: 1 }, { owner: 'w', until: 3000, now: 2000 })
      await store.outbox.kill({ id: 'out_1', part: 1, fence: claimed?.fence ?? 0 }, 'the server refused it', 4000)
    },
    play: async (client) => {
      await client.call('outbox.list')
      await client.call('outbox.list', { status: 'dead', to: 'chat', limit: 1 })
      await client.call('outbox.list', { status: 'lost' })
      await client.call('outbox.get', { id: 'out_1' })
      await client.call('outbox.get', { id: 'out_9' })
      await client.call('outbox.retry', { ids: ['out_2'] })
      await client.call('outbox.retry', { ids: ['out_1'] })
      await client.call('outbox.retry', { to: 'chat' })
      await client.call('outbox.retry', {})
      await client.call('outbox.drop', { ids: ['out_1', 'out_2'] })
      await client.call('outbox.drop', { ids: ['out_1'] })
    },
  },
  {
    name: 'turn',
    script: busyTurn,
    play: async (client) => {
      await client.call('chat.send', { message: 'What is 1+1?', idempotencyKey: 'k1', sessionKey: 'notes', model: 'scripted:model', wait: true })
      await client.call('chat.send', { message: 'What is 1+1?', idempotencyKey: 'k1', key: 'notes' })
      await client.call('agent', { message: 'again', idempotencyKey: 'k2' })
      await client.event('chat', (payload) => Object(payload).state === 'final' && Object(payload).sessionKey === null)
    },
  },
  {
    name: 'cancel-and-fail',
    script: ({ message, emit, signal }) => {
      emit({ type: 'text-delta', text: 'half' })
      if (message.sessionKey === 'failing') throw new AppError('provider/unreachable', 'gone')
      return untilAborted(signal)
    },
    play: async (client) => {
      const { payload } = await client.call('agent', { message: 'go', idempotencyKey: 'k1', sessionKey: 'notes' })
      const { runId } = Object(payload)
      await client.call('agent.wait', { runId, timeoutMs: 0 })
      await client.call('chat.abort', { sessionKey: 'notes', reason: 'enough' })
      await client.call('agent.wait', { runId })
      await client.call('chat.abort', { runId })
      await client.call('chat.abort', {})
      await client.call('agent.wait', { runId: 'turn_nobody' })
      await client.call('chat.send', { message: 'go', idempotencyKey: 'k2', sessionKey: 'failing', wait: true })
      await client.call('chat.send', { message: '', idempotencyKey: 'k3' })
      await client.call('chat.send', { message: 'go', idempotencyKey: 'k4', model: 'nobody:none' })
    },
  },
  {
    name: 'sessions',
    prepare: keepTurn,
    play: async (client) => {
      await client.call('sessions.list')
      await client.call('chat.history', { sessionKey: 'notes' })
      await client.call('chat.history', { sessionKey: 'notes', limit: 1 })
      await client.call('chat.history', { sessionKey: 'nobody' })
      await client.call('sessions.create', { key: 'plans', title: 'Plans', model: 'scripted:model' })
      await client.call('sessions.create', { key: 'plans' })
      await client.call('sessions.rename', { key: 'plans', newKey: 'ideas', title: 'Ideas', model: null })
      await client.call('sessions.rename', { key: 'ideas' })
      await client.call('sessions.preview', { keys: ['notes', 'ideas', 'plans'], maxChars: 6 })
      await client.call('sessions.export', { key: 'notes' })
      await client.call('usage.status', { by: 'model' })
      await client.call('sessions.reset', { key: 'notes' })
      await client.call('chat.history', { key: 'notes' })
      await client.call('sessions.delete', { key: 'notes' })
      await client.call('sessions.delete', { key: 'notes' })
      await client.call('sessions.reset', { key: 'notes' })
    },
  },
  {
    name: 'reads',
    play: async (client) => {
      for (const method of ['health', 'status', 'models.list', 'messages.list', 'config.get', 'config.schema', 'usage.status']) await client.call(method)
      await client.call('config.get', { key: 'gateway.port' })
    },
  },
  {
    name: 'turns',
    prepare: async (doors) => {
      await keepTurn(doors)
      await keepQuestions(doors, 'turn_2')
    },
    play: async (client) => {
      await client.call('turns.list')
      await client.call('turns.list', { open: true })
      await client.call('turns.list', { sessionKey: 'nobody' })
      await client.call('turns.get', { runId: 'turn_1' })
      await client.call('turns.get', { runId: 'turn_9' })
      await client.call('turns.resume', { runId: 'turn_1' })
      await client.call('turns.cancel', { runId: 'turn_1' })
      await client.call('turns.replay', { runId: 'turn_1' })
      await client.call('turns.replay', { runId: 'turn_9' })
    },
  },
  {
    name: 'logs',
    play: async (client, { logLines }) => {
      logLines.write('{"event":"one"}')
      logLines.write('{"event":"two"}')
      await client.call('logs.tail', { limit: 1, follow: true })
      assert.equal(logLines.followers(), 1)
      logLines.write('{"event":"three"}')
      logLines.write('{"event":"four"}')
      await client.event('logs')
      await client.call('logs.tail', { limit: 0, follow: true })
      assert.equal(logLines.followers(), 1)
      await client.call('logs.unfollow')
      assert.equal(logLines.followers(), 0)
      logLines.write('{"event":"five"}')
      await client.call('logs.tail', { limit: 5001 })
      await client.call('logs.tail', { limit: 0, follow: true })
    },
  },
  {
    name: 'approvals',
    prepare: keepQuestions,
    play: async (client) => {
      const hash = 'a'.repeat(64)
      await client.call('approvals.list')
      await client.call('approvals.list', { sessionKey: 'nobody' })
      await client.call('approvals.get', { id: 'apr_1' })
      await client.call('approvals.get', { id: 'apr_9' })
      await client.call('approvals.resolve', { answers: [{ id: 'apr_1', hash: 'b'.repeat(64), decision: 'deny' }] })
      await client.call('approvals.resolve', { answers: [{ id: 'apr_1', hash, decision: 'deny', note: 'not now' }] })
      await client.call('approvals.resolve', { answers: [{ id: 'apr_1', hash, decision: 'allow' }] })
      await client.call('approvals.resolve', { answers: [] })
      await client.event('approval')
      await client.call('approvals.grants')
      await client.call('approvals.revoke', { id: 'grt_1' })
      await client.call('approvals.revoke', { id: 'grt_1' })
      await client.call('approvals.proposal')
      await client.call('approvals.apply', { hash })
      await client.call('why')
      await client.call('why', { id: 'apr_1' })
      await client.call('why', { id: 'ref_1' })
    },
  },
  {
    name: 'cron',
    play: async (client) => {
      const schedule = { cron: '0 8 * * 1-5', timeZone: 'Europe/Berlin' }
      await client.call('cron.status')
      await client.call('cron.add', { name: 'morning', prompt: 'What is new?', schedule, missed: 'skip' })
      await client.call('cron.add', { name: 'morning', prompt: 'What is new?', schedule })
      await client.call('cron.add', { name: 'odd', prompt: 'go', schedule: { cron: 'at noon' } })
      await client.call('cron.add', { name: 'odd', prompt: 'go', schedule, deliver: 'nowhere' })
      await client.call('cron.list')
      await client.call('cron.get', { name: 'morning' })
      await client.call('cron.update', { name: 'morning', prompt: 'Anything new?', schedule: { every: '30m' } })
      await client.call('cron.update', { name: 'morning', enabled: false })
      await client.call('cron.get', { name: 'morning' })
      await client.call('cron.update', { name: 'morning', enabled: true })
      await client.call('cron.run', { name: 'nobody' })
      await client.call('cron.runs', { name: 'nobody' })
      await client.call('cron.remove', { name: 'morning' })
      await client.call('cron.remove', { name: 'morning' })
    },
  },
  {
    name: 'task',
    play: async (client) => {
      await client.call('task.list')
      const { payload } = await client.call('task.create', { prompt: 'Sort my notes', policy: { maxAttempts: 3 } })
      const { id } = taskResult.parse(payload).task
      await client.call('task.create', { prompt: 'go', sessionKey: 'notes', policy: { maxTurns: 0 } })
      await client.call('task.get', { id })
      await client.call('task.update', { id, prompt: 'Sort them by year', model: 'scripted:model' })
      await client.call('task.resume', { id })
      await client.call('task.retry', { id })
      await client.call('task.cancel', { id, reason: 'enough' })
      await client.call('task.cancel', { id })
      await client.call('task.resume', { id })
      await client.call('task.retry', { id })
      await client.call('task.get', { id: 'task_none' })
      await client.call('task.create', { prompt: 'long '.repeat(300) })
      await client.call('task.list', { state: 'queued' })
      await client.call('task.list', { state: 'lost' })
    },
  },
]

/** Two calls that wait, as a turn would have left them, and a refusal. */
async function keepQuestions({ gateway: { store } }: OpenDoors, turnId = 'turn_1'): Promise<void> {
  const session = await store.sessions.open('notes', 1000)
  const asked = (id: string): Approval => ({
    id,
    turnId,
    sessionId: session.id,
    sessionKey: 'notes',
    group: `${turnId}.1`,
    callId: id,
    tool: 'send_mail',
    input: { to: 'ann@example.org' },
    binding: null,
    hash: 'a'.repeat(64),
    effectId: 'effect_1',
    effect: 'egress',
    destinations: ['ann@example.org'],
    shown: [],
    holds: [{ rule: 'destinationsKnown', why: 'it is not known', evidence: 'a page' }],
    unlocks: ['once'],
    status: 'pending',
    createdAt: 1000,
    expiresAt: 9_000_000_000_000,
    decision: null,
  })
  const request = { door: 'ws', sender: OWNER.author, sessionKey: 'notes', parts: [{ ...TEXT, text: 'Send it' }], options: {} }
  await store.turns.accept({ turnId, request: cleared(request), now: 1000, queued: false, lease: LEASE })
  await store.approvals.ask({ turnId, fence: 1 }, [asked('apr_1'), asked('apr_2')], 10)
  const grant = { id: 'grt_1', unlock: 'session', tool: 'send_mail', sessionId: session.id, values: ['bob@example.org'], shape: null } as const
  await store.approvals.decide([], [{ ...grant, approvalId: 'apr_0', createdAt: 1000 }])
  const refusal = { id: 'ref_1', turnId: 'turn_1', sessionId: session.id, effectId: null, checkpoint: 'toolCall', rule: 'policyAllows', tool: 'send_mail' }
  await store.refusals.keep({ ...refusal, why: 'the policy refuses it', evidence: null, hint: 'change it', at: 1000 })
}

const CHANGING = new Set([
  // Grows with every method; `hello-ok` is held to the registry below.
  'features',
  'nonce',
  'ts',
  'connId',
  'runId',
  'turnId',
  'at',
  'uptimeMs',
  'uptimeSeconds',
  'startedAt',
  'createdAt',
  'undoneAt',
  'lastActivityAt',
  'databaseBytes',
  'since',
  'durationMs',
  'jobId',
  'dueAt',
  'nextAt',
  'nextRunAt',
  'updatedAt',
  'anchorAt',
  'upcoming',
])

/** Random ids and times become `*`. */
function starred(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key: string, member: unknown) => {
    if (CHANGING.has(key) && member !== null) return '*'
    return typeof member === 'string'
      ? member.replaceAll(/(?:turn|ses|conn|chat|job|task)_[0-9a-z]{20,21}/g, '*').replaceAll(/\d{4}-\d{2}-\d{2}/g, '*')
      : member
  })
}

const eventSchemas = new Map<string, z.ZodType>([
  ['agent', agentEvent],
  ['chat', chatEvent],
  ['approval', approvalsListResult.pick({ approvals: true })],
  ['logs', logsEvent],
  ['cron', cronEvent],
  ['task', taskEvent],
])
const results = new Map(methods.map(({ name, result }) => [name, result]))

for (const { name, script, prepare, play } of scenarios) {
  test(`trace ${name}`, async () => {
    await using doors = await openDoors()
    if (script !== undefined) doors.gateway.script = script
    await prepare?.(doors)
    const client = await openSocket(doors)
    const sent: { readonly method: string; readonly params: unknown }[] = []
    const recording: SocketClient = {
      ...client,
      async call(method, params) {
        sent.push({ method, params })
        const response = await client.call(method, params)
        if (response.ok) (method === 'connect' ? helloOk : results.get(method))?.parse(response.payload)
        return response
      },
    }
    await client.event('connect.challenge')
    const { payload: hello } = await recording.call('connect', CONNECT)
    assert.deepEqual(helloOk.parse(hello).features, { methods: methods.map((method) => method.name), events: [...eventNames] })
    await play(recording, doors)
    await client.close()
    assert.equal(doors.logLines.followers(), 0)
    const events = client.frames.filter((frame) => frame.type === 'event')
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    )
    for (const { event, payload } of events) eventSchemas.get(event)?.parse(payload)
    const trace = starred({ sent, responses: client.frames.filter((frame) => frame.type === 'res'), events })
    const path = join(import.meta.dirname, `${name}.json`)
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(path, `${JSON.stringify(trace, null, 1)}\n`)
    assert.deepEqual(trace, JSON.parse(await readFile(path, 'utf8')))
  })
}

test('an export is read page by page, nothing twice and nothing left out', async () => {
  await using doors = await openDoors()
  const { store } = doors.gateway
  for (let index = 0; index < 450; index++) {
    const request = { door: 'ws', sender: OWNER.author, sessionKey: 'long', parts: [{ ...TEXT, text: `message ${index} ${'x'.repeat(3000)}` }], options: {} }
    await store.turns.accept({ turnId: `turn_${index}`, request: cleared(request), now: index, queued: false, lease: LEASE })
  }
  const client = await openSocket(doors)
  await client.call('connect', CONNECT)
  const texts: string[] = []
  let pages = 0
  for (let before: number | null | undefined; before !== null; pages++) {
    const { payload } = await client.call('sessions.export', before === undefined ? { key: 'long' } : { key: 'long', beforeId: before })
    const { entries, nextBeforeId, session } = Object(payload)
    sessionInfo.parse(session)
    texts.unshift(...entries.map((entry: { message: { parts: { text: string }[] } }) => entry.message.parts[0]?.text.split(' ')[1]))
    before = nextBeforeId
  }
  assert.ok(pages > 2)
  assert.deepEqual(
    texts,
    Array.from({ length: 450 }, (_, index) => String(index)),
  )
  await client.close()
})
