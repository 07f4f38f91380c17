/** Tasks from their creation to their end: a real gateway and store, a clock that the test turns. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { textOf } from '../../src/contracts/message.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { Task, TaskPolicy } from '../../src/contracts/task.ts'
import type { TaskBook } from '../../src/gateway/schedule/task-book.ts'
import { TaskRunner } from '../../src/gateway/schedule/task-runner.ts'
import { outsideTools } from '../doubles/outside-tools.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { byOwner, scheduledGateway, type ScheduledGateway, type ScheduledOptions } from '../doubles/scheduled-gateway.ts'
import { calls, fault, hangs, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { taskBookOver } from '../doubles/task-book.ts'
import { until } from '../doubles/until.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected
/** Ends a turn at its budget of one step, and so a try. */
const unfinished = calls(['current_time', {}])

type Opened = ScheduledGateway & Awaited<ReturnType<typeof open>>

/** What a test that fails leaves behind. */
const running = new Set<() => Promise<void>>()
afterEach(async () => {
  for (const crash of running) await crash()
  running.clear()
})

async function open(scenes: readonly Scene[] | ((index: number) => Scene), more: Partial<ScheduledOptions> = {}) {
  const provider = scriptedProvider('scripted', typeof scenes === 'function' ? (_, index) => scenes(index) : scenes)
  const cara = await scheduledGateway({ providers: [provider], ...more })
  await cara.gateway.recover()
  await cara.start()
  const told: string[] = []
  cara.work.add(({ kind, action }) => kind === 'task' && told.push(action))
  const create = (prompt = 'go', policy: Partial<TaskPolicy> = {}) => cara.tasks.create({ prompt, policy }, byOwner)
  const stands = async ({ id }: Task) => {
    const { state, blockedReason } = await cara.tasks.get(id)
    return blockedReason === null ? state : `${state}: ${blockedReason}`
  }
  const [crash, close] = [cara.crash.bind(cara), cara.close.bind(cara)]
  const ending = (end: () => Promise<void>) => () => {
    running.delete(crash)
    return end()
  }
  running.add(crash)
  return Object.assign(cara, { provider, told, create, stands, crash: ending(crash), close: ending(close) })
}

/** The turn has begun to ask the model, and waits for it. */
const hanging = (cara: Opened, requests = 1) => until(async () => cara.provider.requests.length === requests)

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-tasks-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('a task', () => {
  it('runs at once as an ordinary turn of its own conversation, and is done by its answer', async () => {
    const cara = await open([says('sorted')])
    const { id } = await cara.create('Sort my notes')
    await cara.settle()
    const task = await cara.tasks.get(id)
    assert.deepEqual([task.state, task.attempts, task.runIds.length, task.lastError, task.turnId], ['done', 1, 1, null, null])
    assert.deepEqual(cara.told, ['created', 'running', 'done'])
    const result = await cara.gateway.gateway.wait(task.runIds[0] ?? '', AbortSignal.timeout(5000))
    assert.deepEqual([result.text, result.sessionKey], ['sorted', `task:${id}`])
    assert.deepEqual(
      cara.provider.requests[0]?.messages.map((message) => textOf(message)),
      ['Sort my notes'],
    )
    await cara.close()
  })

  it('that did not come to its end is tried again after a while, in the same conversation, which says so', async () => {
    const cara = await open([unfinished, says('sorted')], { agent: { budgets: { maxSteps: 1 } } })
    const { id } = await cara.create('Sort my notes')
    await cara.settle()
    const waiting = await cara.tasks.get(id)
    const wait = (waiting.nextAt ?? 0) - cara.clock.now()
    assert.deepEqual([waiting.state, waiting.lastError, wait >= 2500 && wait <= 5000], ['retry_wait', 'its turn ended at a budget: steps', true])
    cara.pass(wait - 1)
    await cara.settle()
    assert.equal(cara.provider.requests.length, 1)
    cara.pass(1)
    await cara.settle()
    const done = await cara.tasks.get(id)
    assert.deepEqual([done.state, done.attempts, done.runIds.length], ['done', 2, 2])
    const said = cara.provider.requests[1]?.messages.map((message) => textOf(message)) ?? []
    assert.equal(said[0], 'Sort my notes')
    assert.match(said.at(-1) ?? '', /^You have begun this task before[^]*Sort my notes$/)
    await cara.close()
  })

  it('fails where its tries, its turns or its time are used up, and is begun again by hand', async () => {
    const cara = await open(() => unfinished, { agent: { budgets: { maxSteps: 1 } } })
    const ends = async (policy: Partial<TaskPolicy>) => {
      const { id } = await cara.create('go', policy)
      for (let tries = 0; tries < 5; tries++) {
        await cara.settle()
        cara.pass(20 * MINUTE)
      }
      const { state, attempts, lastError } = await cara.tasks.get(id)
      return { id, end: [state, attempts, lastError] }
    }
    const why = 'its turn ended at a budget: steps'
    assert.deepEqual((await ends({ maxAttempts: 2 })).end, ['failed', 2, `${why} (all 2 attempts are used up)`])
    const { id, end } = await ends({ maxTurns: 3 })
    assert.deepEqual(end, ['failed', 3, `${why} (all 3 turns are used up)`])
    assert.deepEqual((await ends({ maxTotalRuntimeMs: 30 * MINUTE })).end, ['failed', 2, 'its time is used up'])
    await assert.rejects(cara.tasks.retry(id, byOwner), code('task/state'))
    const again = await ends({ maxAttempts: 1 })
    const retried = await cara.tasks.retry(again.id, byOwner)
    assert.deepEqual([retried.state, retried.attempts, retried.begunAt, retried.endedAt], ['queued', 0, cara.clock.now(), null])
    await cara.settle()
    assert.equal((await cara.tasks.get(again.id)).runIds.length, 2)
    await cara.close()
  })

  it('whose run takes too long is stopped, and tried again', async () => {
    const cara = await open([hangs, says('quick')])
    const { id } = await cara.create('go', { maxRunTimeoutSeconds: 60 })
    await cara.look()
    await hanging(cara)
    cara.pass(MINUTE - 1)
    await cara.look()
    assert.equal((await cara.tasks.get(id)).state, 'running')
    cara.pass(1)
    await cara.settle()
    const { state, lastError } = await cara.tasks.get(id)
    assert.deepEqual([state, lastError], ['retry_wait', 'its run took longer than 60 s'])
    cara.pass(MINUTE)
    await cara.settle()
    assert.deepEqual([(await cara.tasks.get(id)).state, cara.provider.requests.length], ['done', 2])
    await cara.close()
  })

  it('that needs the word of the owner waits for it, takes no place and no time, and goes on when he has answered', async () => {
    const asks = calls(['send_mail', { to: 'ann@example.org', text: 'hi' }])
    const outside = outsideTools()
    const cara = await open([asks, says('beside it'), says('sent')], { tools: outside.tools, cron: { maxConcurrentRuns: 1 } })
    const task = await cara.create('Write to somebody', { maxRunTimeoutSeconds: 60 })
    await cara.settle()
    assert.deepEqual([await cara.stands(task), outside.done], ['blocked: approval_required', []])
    const other = await cara.create('Something else')
    await cara.settle()
    assert.equal(await cara.stands(other), 'done')
    cara.pass(20 * MINUTE)
    await cara.settle()
    assert.equal(await cara.stands(task), 'blocked: approval_required')
    await assert.rejects(cara.tasks.resume(task.id, byOwner), code('task/state'))
    const { approvals } = await cara.gateway.gateway.approvals.list({ status: 'pending', limit: 10 })
    await cara.gateway.answer(approvals, { decision: 'allow', unlock: 'once' })
    await cara.settle()
    await until(async () => (await cara.stands(task)) === 'done')
    const { attempts, runIds } = await cara.tasks.get(task.id)
    assert.deepEqual([outside.done.length, attempts, runIds.length], [1, 1, 1], 'one try, one turn, one mail')
    assert.deepEqual(
      cara.told.filter((action) => action === 'blocked'),
      ['blocked'],
    )
    await cara.close()
  })

  it('whose model says when to ask again waits for that, and no time of its run passes', async () => {
    const cara = await open([fault('rate-limit', 'slow down', HOUR), says('done')])
    const task = await cara.create('go', { maxRunTimeoutSeconds: 60 })
    await cara.look()
    await until(async () => {
      await cara.look()
      return (await cara.stands(task)) === 'blocked: external_dependency'
    })
    await assert.rejects(cara.tasks.resume(task.id, byOwner), code('task/state'))
    cara.pass(HOUR)
    await cara.gateway.look()
    await until(async () => (await cara.stands(task)) === 'done')
    assert.equal((await cara.tasks.get(task.id)).attempts, 1)
    await cara.close()
  })

  it('behind another turn of its conversation has its time from when it begins', async () => {
    const cara = await open([hangs, hangs, says('done')])
    const message = { door: 'test', sender: OWNER.author, sessionKey: 'busy', parts: [{ type: 'text', text: 'hello', origin: OWNER }], options: {} } as const
    const { turnId } = await cara.gateway.gateway.submit(message)
    await hanging(cara)
    const { id } = await cara.tasks.create({ prompt: 'go', sessionKey: 'busy', policy: { maxRunTimeoutSeconds: 60 } }, byOwner)
    await cara.look()
    for (let minutes = 0; minutes < 3; minutes++) {
      cara.pass(MINUTE)
      await cara.look()
    }
    assert.equal((await cara.tasks.get(id)).state, 'running')
    cara.pass(MINUTE / 2)
    await cara.gateway.gateway.abort({ turnId }, 'enough')
    await hanging(cara, 2)
    const begun = cara.clock.now()
    await until(async () => (await cara.tasks.get(id)).runUntil === begun + MINUTE)
    cara.pass(MINUTE)
    await cara.settle()
    const { state, lastError } = await cara.tasks.get(id)
    assert.deepEqual([state, lastError], ['retry_wait', 'its run took longer than 60 s'])
    await cara.close()
  })

  it('whose conversation takes no more is tried again, and that counts', async () => {
    const cara = await open([hangs, says('done')], { agent: { maxQueuedPerSession: 1 } })
    const submit = (text: string) =>
      cara.gateway.gateway.submit({ door: 'test', sender: OWNER.author, sessionKey: 'busy', parts: [{ type: 'text', text, origin: OWNER }], options: {} })
    const [first, second] = [await submit('one'), await submit('two')]
    await hanging(cara)
    const { id } = await cara.tasks.create({ prompt: 'go', sessionKey: 'busy', policy: { maxAttempts: 3 } }, byOwner)
    await cara.settle()
    const refused = await cara.tasks.get(id)
    assert.deepEqual([refused.state, refused.attempts, refused.runIds, refused.lastError], ['retry_wait', 1, [], 'Too many messages wait in this conversation'])
    for (let tries = 0; tries < 2; tries++) {
      cara.pass(20 * MINUTE)
      await cara.settle()
    }
    const { state, attempts, lastError } = await cara.tasks.get(id)
    assert.deepEqual([state, attempts, lastError], ['failed', 3, 'Too many messages wait in this conversation (all 3 attempts are used up)'])
    for (const { turnId } of [second, first]) await cara.gateway.gateway.abort({ turnId }, 'enough')
    await cara.close()
  })

  it('waits for a configuration, and goes on with the next process or by hand', async (t) => {
    const folder = await folderOf(t)
    const first = await open([fault('auth', 'wrong key'), fault('auth', 'wrong key')], { folder })
    const task = await first.create()
    await first.settle()
    assert.equal(await first.stands(task), 'blocked: config_missing')
    first.pass(24 * HOUR)
    await first.settle()
    assert.equal(first.provider.requests.length, 1, 'time alone changes nothing')
    await first.tasks.resume(task.id, byOwner)
    await first.settle()
    assert.deepEqual([await first.stands(task), first.provider.requests.length], ['blocked: config_missing', 2])
    await first.crash()
    const second = await open([says('done')], { folder, clock: first.clock })
    await second.settle()
    assert.equal(await second.stands(task), 'done')
    await second.close()
  })

  it('whose maker may send no more is blocked, and goes on for whoever resumes it', async () => {
    const good = new Set(['device:a', 'token:b'])
    const cara = await open([says('done')], { maySend: (credential) => good.has(credential) })
    good.delete('device:a')
    const task = await cara.tasks.create({ prompt: 'go' }, { ...byOwner, credential: 'device:a' })
    await cara.settle()
    assert.deepEqual([await cara.stands(task), cara.provider.requests.length], ['blocked: operator_action_required', 0])
    await cara.tasks.resume(task.id, { ...byOwner, credential: 'token:b' })
    await cara.settle()
    assert.equal(await cara.stands(task), 'done')
    await cara.close()
  })

  it('whose maker may send no more while it runs is stopped', async () => {
    const good = new Set(['device:a'])
    const cara = await open([hangs], { maySend: (credential) => good.has(credential) })
    const task = await cara.tasks.create({ prompt: 'go' }, { ...byOwner, credential: 'device:a' })
    await cara.look()
    await hanging(cara)
    good.clear()
    assert.equal(cara.gateway.reauthorise(), 1)
    await cara.settle()
    assert.equal(await cara.stands(task), 'blocked: operator_action_required')
    await cara.close()
  })

  it('is cancelled wherever it stands, and its turn with it', async () => {
    const outside = outsideTools()
    const asks = calls(['send_mail', { to: 'ann@example.org', text: 'hi' }])
    const cara = await open([hangs, asks, unfinished], { tools: outside.tools, cron: { maxConcurrentRuns: 1 }, agent: { budgets: { maxSteps: 1 } } })
    const running = await cara.create()
    const queued = await cara.create()
    await cara.look()
    await hanging(cara)
    for (const task of [running, queued]) await cara.tasks.cancel(task.id, 'owner', 'enough')
    await cara.settle()
    for (const task of [running, queued]) {
      const { state, lastError, turnId } = await cara.tasks.get(task.id)
      assert.deepEqual([state, lastError, turnId], ['cancelled', 'enough', null])
    }
    const [turnId = ''] = (await cara.tasks.get(running.id)).runIds
    assert.equal((await cara.gateway.gateway.store.turns.result(turnId))?.status, 'cancelled')
    const asking = await cara.create()
    await cara.settle()
    assert.equal(await cara.stands(asking), 'blocked: approval_required')
    await cara.tasks.cancel(asking.id, 'owner')
    await until(async () => {
      await cara.look()
      return (await cara.tasks.get(asking.id)).turnId === null
    })
    assert.deepEqual((await cara.gateway.gateway.approvals.list({ status: 'pending', limit: 10 })).approvals, [])
    const waiting = await cara.create()
    await cara.settle()
    assert.equal(await cara.stands(waiting), 'retry_wait')
    await cara.tasks.cancel(waiting.id, 'owner')
    cara.pass(HOUR)
    await cara.settle()
    assert.deepEqual([await cara.stands(waiting), cara.provider.requests.length], ['cancelled', 3])
    await cara.close()
  })

  it('follows its turn where that is cancelled', async () => {
    const cara = await open([hangs])
    const task = await cara.create()
    await cara.look()
    await hanging(cara)
    const { turnId } = await cara.tasks.get(task.id)
    await cara.gateway.gateway.abort({ turnId: turnId ?? '' }, 'by hand')
    await cara.settle()
    assert.equal(await cara.stands(task), 'cancelled')
    await cara.close()
  })

  it('takes no command that does not fit how it stands', async () => {
    const cara = await open([hangs, says('done'), fault('bad-request', 'no')], { cron: { maxConcurrentRuns: 1 } })
    const { cancel, retry, resume, update } = {
      cancel: (id: string) => cara.tasks.cancel(id, 'owner'),
      retry: (id: string) => cara.tasks.retry(id, byOwner),
      resume: (id: string) => cara.tasks.resume(id, byOwner),
      update: (id: string) => cara.tasks.update(id, { prompt: 'other' }, byOwner),
    }
    const refused = async (id: string, ...commands: readonly ((id: string) => Promise<Task>)[]) => {
      for (const command of commands) await assert.rejects(command(id), code('task/state'), (await cara.tasks.get(id)).state)
    }
    const running = await cara.create()
    await cara.look()
    await hanging(cara)
    await refused(running.id, retry, resume, update)
    const queued = await cara.create()
    await refused(queued.id, retry)
    await cancel(running.id)
    await cara.settle()
    await refused(running.id, resume, update)
    assert.equal((await cancel(running.id)).state, 'cancelled', 'once is enough')
    await refused(queued.id, cancel, retry, resume, update)
    const failed = await cara.create()
    await cara.settle()
    assert.deepEqual([await cara.stands(queued), await cara.stands(failed)], ['done', 'failed'])
    await refused(failed.id, cancel, resume, update)
    await assert.rejects(cara.tasks.get('task_none'), code('task/not-found'))
    await assert.rejects(cara.create(' '), code('task/invalid'))
    await assert.rejects(cara.create('x'.repeat(64 * 1024 + 1)), code('task/invalid'))
    await cara.close()
  })

  it('says something else from the next run on, and keeps what was not named', async () => {
    const cara = await open([unfinished, says('done')], { agent: { budgets: { maxSteps: 1 } } })
    const { id } = await cara.create('Sort my notes', { maxAttempts: 7 })
    await cara.settle()
    const changed = await cara.tasks.update(id, { prompt: 'Sort them by year', policy: { maxTurns: 9 } }, byOwner)
    assert.deepEqual([changed.prompt, changed.policy.maxAttempts, changed.policy.maxTurns, changed.state], ['Sort them by year', 7, 9, 'retry_wait'])
    cara.pass(MINUTE)
    await cara.settle()
    assert.match(textOf(cara.provider.requests[1]?.messages.at(-1) ?? { role: 'user', parts: [] }), /Sort them by year$/)
    await cara.close()
  })
})

describe('tasks', () => {
  it('run at most so many at once, the longest due first', async () => {
    const cara = await open(() => hangs, { cron: { maxConcurrentRuns: 2 } })
    const all = [await cara.create('a'), await cara.create('b'), await cara.create('c')]
    await cara.look()
    await hanging(cara, 2)
    const states = async () => Promise.all(all.map((task) => cara.stands(task)))
    assert.deepEqual(await states(), ['running', 'running', 'queued'])
    await cara.tasks.cancel(all[0]?.id ?? '', 'owner')
    await hanging(cara, 3)
    assert.deepEqual(await states(), ['cancelled', 'running', 'running'])
    await cara.close()
  })

  it('do not run, and cannot be made, where scheduled work is switched off', async () => {
    const cara = await open(() => hangs, { cron: { enabled: false } })
    await assert.rejects(cara.create(), code('cron/off'))
    const { id } = await taskBookOver(cara.gateway.gateway.store, cara.gateway.audit, () => cara.clock.now()).create({ prompt: 'go' }, byOwner)
    await cara.look()
    for (const work of [cara.tasks.resume(id, byOwner), cara.tasks.retry(id, byOwner), cara.tasks.update(id, {}, byOwner)])
      await assert.rejects(work, code('cron/off'))
    assert.deepEqual([(await cara.tasks.cancel(id, 'owner')).state, cara.provider.requests.length], ['cancelled', 0])
    await cara.close()
  })

  it('have one turn for each try, however many gateways look at the same store', async () => {
    const cara = await open((index) => says(`answer ${index}`))
    const { store } = cara.gateway.gateway
    const others = [1, 2].map(() => runnerOver(cara, store))
    for (let index = 0; index < 12; index++) await cara.create(`task ${index}`)
    for (let round = 0; round < 12; round++) await Promise.all([cara.look(), ...others.map((other) => other.look(true))])
    await cara.settle()
    const all = await cara.tasks.list({ limit: 100 })
    assert.deepEqual([all.length, all.every(({ state, attempts, runIds }) => state === 'done' && attempts === 1 && runIds.length === 1)], [12, true])
    assert.equal(cara.provider.requests.length, 12)
    await cara.close()
  })

  it('of other processes are known after a look', async () => {
    const cara = await open([])
    const { store } = cara.gateway.gateway
    const book = taskBookOver(store, cara.gateway.audit, () => cara.clock.now())
    const runner = runnerOver(cara, store, book)
    const task = await taskBookOver(store, cara.gateway.audit, () => cara.clock.now()).create({ prompt: 'go' }, byOwner)
    const known: boolean[] = []
    for (const change of [() => undefined, () => cara.tasks.cancel(task.id, 'owner')]) {
      await change()
      await runner.look(false)
      known.push(book.hasOpen)
    }
    assert.deepEqual(known, [true, false])
    await cara.close()
  })

  it('that run keep the end of their time where another gateway starts, and have it anew where the only one starts again', async () => {
    const cara = await open(() => hangs)
    const { store } = cara.gateway.gateway
    const { id } = await cara.create()
    await cara.look()
    await hanging(cara)
    const { runUntil } = await cara.tasks.get(id)
    cara.pass(5 * MINUTE)
    const leases = { ...store.turns.leases, isShared: true }
    await runnerOver(cara, { ...store, turns: { ...store.turns, leases } }).look(false)
    assert.equal((await cara.tasks.get(id)).runUntil, runUntil)
    await runnerOver(cara, store).look(false)
    assert.equal((await cara.tasks.get(id)).runUntil, (runUntil ?? 0) + 5 * MINUTE)
    await cara.close()
  })

  it('go on in their turns after a crash: no try is lost, none is made twice', async (t) => {
    const folder = await folderOf(t)
    const first = await open(() => hangs, { folder })
    const task = await first.create('Sort my notes')
    await first.look()
    await hanging(first)
    await first.crash()
    const second = await open([says('sorted')], { folder, clock: first.clock })
    await second.settle()
    const { state, attempts, runIds } = await second.tasks.get(task.id)
    assert.deepEqual([state, attempts, runIds.length, second.provider.requests.length], ['done', 1, 1, 1])
    await second.close()
  })

  it('that wait for the owner go on waiting after a crash, and are done with his answer', async (t) => {
    const folder = await folderOf(t)
    const outside = outsideTools()
    const first = await open([calls(['send_mail', { to: 'ann@example.org', text: 'hi' }])], { folder, tools: outside.tools })
    const task = await first.create('Write to somebody')
    await first.settle()
    await first.crash()
    const second = await open([says('sent')], { folder, tools: outside.tools, clock: first.clock })
    await second.settle()
    assert.equal(await second.stands(task), 'blocked: approval_required')
    const { approvals } = await second.gateway.gateway.approvals.list({ status: 'pending', limit: 10 })
    await second.gateway.answer(approvals, { decision: 'allow', unlock: 'once' })
    await until(async () => (await second.stands(task)) === 'done')
    assert.deepEqual([outside.done.length, (await second.tasks.get(task.id)).runIds.length], [1, 1])
    await second.close()
  })

  it('that were put off by a clock that stood ahead come when it is set right', async () => {
    const cara = await open([unfinished, says('done'), says('done')], { agent: { budgets: { maxSteps: 1 } } })
    cara.set(Date.parse('2027-03-10T12:00:00Z'))
    const early = await cara.create('made ahead of time')
    await cara.settle()
    assert.equal(await cara.stands(early), 'retry_wait')
    cara.set(Date.parse('2026-03-10T12:00:00Z'))
    await cara.settle()
    assert.equal(await cara.stands(early), 'done')
    await cara.close()
  })

  it('whose conversation is erased are gone with it', async () => {
    const cara = await open([unfinished], { agent: { budgets: { maxSteps: 1 } } })
    const { id } = await cara.create('a secret')
    await cara.settle()
    const { store } = cara.gateway.gateway
    await store.eraseConversation(`task:${id}`, { copies: join(cara.gateway.folder, 'undo'), backups: join(cara.gateway.folder, 'backups') })
    assert.deepEqual(await cara.tasks.list({ limit: 9 }), [])
    cara.pass(HOUR)
    await cara.settle()
    assert.equal(cara.provider.requests.length, 1)
    await cara.close()
  })
})

function runnerOver(cara: ScheduledGateway, store: Store, book?: TaskBook): TaskRunner {
  const { log } = recordedLog()
  const { clock, gateway } = cara
  const taskBook = book ?? taskBookOver(store, gateway.audit, () => clock.now())
  return new TaskRunner({ gateway: gateway.gateway, store, taskBook, config: { maxConcurrentRuns: 4 }, maySend: () => true, clock, log })
}
