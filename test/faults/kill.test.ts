/**
 * `kill -9` at any moment: what was acknowledged is answered exactly once after the next start, in its place in the conversation; what was not is either absent or
 * complete, and sending it again makes it exactly one.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { agentResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatHistoryResult, chatSendResult } from '../../src/contracts/ws/chat.ts'
import { usageStatusResult } from '../../src/contracts/ws/usage.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { openStore } from '../../src/store/open-store.ts'
import { cleanEnvironment, runProgram, startProgram, type Program } from '../doubles/gateway-process.ts'
import { answerTo, PHASES, startTalkingModel, type Phase, type TalkingModel } from './talking-model.ts'

/** When the blow falls: at the n-th time that the model is in a phase, right after the n-th acknowledgement, or so many milliseconds after sending. */
type Moment = { readonly phase: Phase; readonly time: number } | { readonly acknowledged: number } | { readonly afterMs: number } | 'at-once'

const SESSIONS = 3
const PER_SESSION = 2
const RANDOM_MOMENTS = 13
const FIRST_STARTS = 3
const SEED = 20_261_122
/** Long conversations would be summarised, which is not what is tried here. */
const ROUNDS_PER_SESSION = 6

interface Sent {
  readonly session: string
  readonly text: string
  readonly idempotencyKey: string
  /** Once it is acknowledged. */
  runId: string | null
}

test('killed at any moment, nothing acknowledged is lost and nothing happens twice', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-kill-'))
  await using model = await startTalkingModel()
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: model.baseUrl })
  const sent: Sent[] = []
  const found = { unfinished: 0, begun: 0 }
  let running: Program | null = null
  t.after(async () => {
    await running?.kill()
    await rm(folder, { recursive: true, force: true })
  })
  for (const [round, moment] of moments().entries()) {
    const program = startProgram(env)
    running = program
    await program.ready()
    await struckAt(moment, program, model, async (sending, acknowledged) => {
      const client = await program.connect()
      sending()
      // A sender that saw the connection break does not know what became of its messages: all of the last round are sent again, too.
      const last = sent.slice(-SESSIONS * PER_SESSION)
      const messages = [...sent.filter((message) => message.runId === null && !last.includes(message)), ...last, ...newMessages(round, sent)]
      await Promise.all(messages.map((message) => send(client, message).then(acknowledged)))
    })
    assert.equal((await program.ended).signal, 'SIGKILL', program.err())
    const { unfinished, begun } = await examine(folder)
    found.unfinished += unfinished
    found.begun += begun
  }
  const last = startProgram(env)
  running = last
  await last.ready()
  await assertAnsweredOnce(last, sent)
  assert.ok(found.unfinished >= 20 && found.begun >= 5, `the blows left work behind: ${JSON.stringify(found)}`)
  last.child.kill('SIGTERM')
  assert.equal((await last.ended).code, 0, last.err())
  assert.deepEqual(await examine(folder), { unfinished: 0, begun: 0 })
})

function moments(): readonly Moment[] {
  const random = seeded(SEED)
  return [
    ...PHASES.map((phase, index) => ({ phase, time: 1 + (index % 3) * 2 })),
    { acknowledged: 1 },
    { acknowledged: SESSIONS * PER_SESSION },
    'at-once',
    ...Array.from({ length: RANDOM_MOMENTS }, () => ({ afterMs: Math.floor(random() * 200) })),
    // Right after the start: while earlier turns are taken up.
    'at-once',
  ]
}

/** Park and Miller's minimal standard: the same moments in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function newMessages(round: number, sent: Sent[]): readonly Sent[] {
  const made = Array.from({ length: SESSIONS * PER_SESSION }, (_, index): Sent => {
    const number = sent.length + index
    const session = `talk-${Math.floor(round / ROUNDS_PER_SESSION)}-${index % SESSIONS}`
    return { session, text: `question ${number}`, idempotencyKey: `key-${number}`, runId: null }
  })
  sent.push(...made)
  return made
}

async function send(client: GatewayClient, message: Sent): Promise<void> {
  const { session, text, idempotencyKey } = message
  const accepted = chatSendResult.parse(await client.call('chat.send', { message: text, idempotencyKey, sessionKey: session }))
  message.runId = accepted.runId
}

/** Does the work and kills the program at the moment, or when all has been said and done. */
async function struckAt(
  moment: Moment,
  program: Program,
  model: TalkingModel,
  work: (sending: () => void, acknowledged: () => void) => Promise<void>,
): Promise<void> {
  const blow = Promise.withResolvers<void>()
  if (moment === 'at-once') blow.resolve()
  else if ('phase' in moment) {
    let seen = 0
    model.onPhase = (phase) => phase === moment.phase && ++seen === moment.time && blow.resolve()
  }
  const struck = blow.promise.then(() => program.kill())
  // What had not been answered when the blow fell is rejected.
  let acknowledged = 0
  const sending = () => {
    if (typeof moment === 'object' && 'afterMs' in moment) void sleep(moment.afterMs).then(() => blow.resolve())
  }
  const acknowledge = () => {
    if (typeof moment === 'object' && 'acknowledged' in moment && ++acknowledged === moment.acknowledged) blow.resolve()
  }
  const working = work(sending, acknowledge).catch(() => undefined)
  await struck
  await working
  model.onPhase = () => undefined
}

async function assertAnsweredOnce(program: Program, sent: readonly Sent[]): Promise<void> {
  // One connection for each session, so that none asks more often than it may.
  for (const [session, messages] of Map.groupBy(sent, (message) => message.session)) {
    const client = await program.connect()
    // Sent again, an unacknowledged message becomes one that was accepted exactly once, whatever became of it before.
    for (const message of messages.filter(({ runId }) => runId === null)) await send(client, message)
    for (const { runId, text } of messages) {
      const { status, result } = agentWaitResult.parse(await client.call('agent.wait', { runId, timeoutMs: 20_000 }))
      assert.deepEqual([status, result?.text, result?.toolCalls.length], ['ok', answerTo(text), 2])
    }
    await assertConversation(client, session, messages)
    await client.close()
  }
  const client = await program.connect()
  const { totals } = usageStatusResult.parse(await client.call('usage.status', {}))
  assert.equal(totals.turns, sent.length)
  await client.close()
}

/** Every question once, in the order in which it was sent, and with it the calls, their results and one answer. */
async function assertConversation(client: GatewayClient, session: string, sent: readonly Sent[]): Promise<void> {
  const { messages } = chatHistoryResult.parse(await client.call('chat.history', { sessionKey: session, limit: 1000 }))
  assert.deepEqual(
    messages.map(({ role, text, runId }) => [role, text, runId]),
    sent.flatMap(({ text, runId }) => [
      ['user', text, runId],
      ['assistant', '', runId],
      ['tool', '', runId],
      ['tool', '', runId],
      ['assistant', answerTo(text), runId],
    ]),
  )
}

/** The state folder as it lies there, in a copy: looking must not repair what the next start has to repair. `begun`: turns that had journaled a step. */
async function examine(folder: string): Promise<{ readonly unfinished: number; readonly begun: number }> {
  const copy = await mkdtemp(join(tmpdir(), 'carapace-kill-copy-'))
  try {
    await cp(join(folder, 'state'), copy, { recursive: true })
    const store = await openStore({ path: join(copy, 'carapace.db'), synchronous: 'normal' })
    const problems = await store.check()
    const turns = await store.turns.unfinished()
    await store.close()
    assert.deepEqual(problems, [])
    return { unfinished: turns.length, begun: turns.filter(({ steps }) => steps.length > 0).length }
  } finally {
    await rm(copy, { recursive: true })
  }
}

test('a question outside any session that was acknowledged is answered after the next start', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-kill-'))
  const programs: Program[] = []
  t.after(() => removeWith(folder, programs))
  await using model = await startTalkingModel()
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: model.baseUrl })
  const first = startProgram(env)
  programs.push(first)
  await first.ready()
  const asked = Promise.withResolvers<void>()
  model.onPhase = (phase) => phase === 'results-received' && asked.resolve()
  const params = { message: 'question 1', idempotencyKey: 'key-1' }
  const { runId } = agentResult.parse(await (await first.connect()).call('agent', params))
  await asked.promise
  await first.kill()
  const second = startProgram(env)
  programs.push(second)
  await second.ready()
  const client = await second.connect()
  assert.equal(agentResult.parse(await client.call('agent', params)).runId, runId, 'sent again, it is the same')
  const { status, result } = agentWaitResult.parse(await client.call('agent.wait', { runId, timeoutMs: 20_000 }))
  assert.deepEqual([status, result?.text, result?.toolCalls.length], ['ok', answerTo('question 1'), 2])
  await client.close()
})

test('killed while it starts for the first time, it starts the second time', { timeout: 120_000 }, async (t) => {
  const random = seeded(SEED)
  for (let round = 0; round < FIRST_STARTS; round++) {
    const folder = await mkdtemp(join(tmpdir(), 'carapace-first-kill-'))
    const programs: Program[] = []
    t.after(() => removeWith(folder, programs))
    const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' })
    const first = startProgram(env)
    programs.push(first)
    await stateFolderOf(folder, first)
    await sleep(random() * 150)
    await first.kill()
    const second = startProgram(env)
    programs.push(second)
    await second.ready()
    const client = await second.connect()
    await client.close()
    second.child.kill('SIGTERM')
    assert.equal((await second.ended).code, 0, second.err())
    const { out } = await runProgram(['doctor', '--json'], env).ended
    assert.doesNotMatch(out, /"status": ?"fail"/)
    assert.match(out, /integrity check passed/)
  }
})

/** Nothing can be left half made before there is a folder. */
async function stateFolderOf(folder: string, program: Program): Promise<void> {
  while (!existsSync(join(folder, 'state')) && program.child.exitCode === null) await sleep(1)
}

/** A folder can only go when nobody writes into it any more. */
async function removeWith(folder: string, programs: readonly Program[]): Promise<void> {
  for (const program of programs) await program.kill()
  await rm(folder, { recursive: true, force: true })
}
