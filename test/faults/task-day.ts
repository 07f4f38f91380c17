/**
 * A day of tasks: one that is done at once, one that takes two tries, one that asks the owner before it writes to somebody, one that is cancelled and begun again. Whichever of its writes fails: no task
 * that was acknowledged is lost, no try has two turns, and nothing is sent twice.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../src/contracts/errors.ts'
import type { Database } from '../../src/contracts/store.ts'
import type { TaskState } from '../../src/contracts/task.ts'
import { textOf } from '../../src/contracts/message.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import type { ManualClock } from '../doubles/manual-clock.ts'
import { outsideTools, type Outside } from '../doubles/outside-tools.ts'
import { byOwner, scheduledGateway, type ScheduledGateway } from '../doubles/scheduled-gateway.ts'
import { calls, says, scriptedProvider, usage, type Scene } from '../doubles/scripted-provider.ts'
import type { Life, Place } from './fail-each-write.ts'
import { failingDatabase } from './failing-database.ts'

const MINUTE_MS = 60_000
const CUT_OFF: Scene = [
  { type: 'text-delta', text: 'half' },
  { type: 'finish', reason: 'length', usage },
]

interface Told {
  /** By what each says. */
  readonly made: Map<string, string>
  readonly outside: Outside
}

interface Day {
  readonly cara: ScheduledGateway
  readonly told: Told
}

/** In order; what an earlier one could not do, a later one does not find. */
const steps: readonly (readonly [name: string, run: (day: Day) => Promise<unknown>])[] = [
  ['has something done', (day) => create(day, 'at once')],
  ['has something done that takes longer', (day) => create(day, 'in two')],
  ['has somebody written to', (day) => create(day, 'write')],
  ['waits', settle],
  ['answers', answer],
  ['has something done that is given up', (day) => create(day, 'no more')],
  ['gives it up', async (day) => day.cara.tasks.cancel(idOf(day, 'no more'), 'owner')],
  ['waits', settle],
  ['changes his mind', async (day) => day.cara.tasks.retry(idOf(day, 'no more'), byOwner)],
  ['changes what it says', async (day) => day.cara.tasks.update(idOf(day, 'no more'), { policy: { maxTurns: 5 } }, byOwner)],
  ['waits for the next tries', settle],
]

async function create({ cara, told }: Day, prompt: string): Promise<void> {
  told.made.set(prompt, (await cara.tasks.create({ prompt }, byOwner)).id)
}

function idOf({ told }: Day, prompt: string): string {
  const id = told.made.get(prompt)
  if (id === undefined) throw new AppError('task/not-found', prompt)
  return id
}

/** Until nothing is due any more, or waits for the owner. */
async function settle({ cara }: Day): Promise<void> {
  for (let quiet = 0, tries = 0; quiet < 2 && tries < 60; tries++) {
    await cara.look()
    const open = await cara.gateway.gateway.store.tasks.open()
    const isWaiting = open.some(({ state }) => state === 'retry_wait')
    if (isWaiting) cara.pass(MINUTE_MS / 2)
    quiet =
      isWaiting || open.some(({ state, turnId }) => state === 'running' || state === 'queued' || (state === 'cancelled' && turnId !== null)) ? 0 : quiet + 1
    await sleep(5)
  }
}

async function answer({ cara }: Day): Promise<void> {
  const { approvals } = await cara.gateway.gateway.approvals.list({ status: 'pending', limit: 10 })
  if (approvals.length > 0) await cara.gateway.answer(approvals, { decision: 'allow', unlock: 'once' })
}

async function begin(place: Place, folder: string, clock: ManualClock, told: Told, wrap: (database: Database) => Database): Promise<Day> {
  const opened = await place.open()
  await migrate(opened)
  const store = storeOver(wrap(opened))
  const provider = scriptedProvider('fake', ({ messages }) => {
    const asked = textOf(messages.findLast(({ role }) => role === 'user') ?? { role: 'user', parts: [] })
    if (asked === 'in two') return CUT_OFF
    if (asked.endsWith('write') && !messages.some(({ role }) => role === 'tool')) return calls(['send_mail', { to: 'ann@example.org', text: 'hi' }])
    return says('done')
  })
  const cara = await scheduledGateway({ providers: [provider], tools: told.outside.tools, folder, clock, openStore: async () => store })
  return { cara, told }
}

const live: Life<Told>['live'] = async (place, folder, clock, failsAt) => {
  let tried = 0
  const told: Told = { made: new Map(), outside: outsideTools() }
  const day = await begin(place, folder, clock, told, (database) => failingDatabase(database, (write) => failsAt((tried = write))))
  await day.cara.start().catch(named)
  for (const [name, run] of steps) await run(day).catch((error: unknown) => named(error, name))
  assert.deepEqual(await day.cara.gateway.gateway.store.check(), [], 'before the next start')
  await day.cara.crash()
  return { tried, told }
}

/** A fault has a name. Anything else is a defect. */
function named(error: unknown, name = 'the start'): void {
  assert.ok(error instanceof AppError, `${name}: ${String(error)}`)
}

const assertWhole: Life<Told>['assertWhole'] = async (place, folder, clock, told, where) => {
  clock.advance(10 * MINUTE_MS)
  const day = await begin(place, folder, clock, told, (database) => database)
  const { cara } = day
  const { store } = cara.gateway.gateway
  try {
    assert.deepEqual(await store.check(), [], `${where}: as it was left`)
    await cara.gateway.recover()
    await cara.start()
    for (let rounds = 0; rounds < 3; rounds++) {
      await cara.gateway.look()
      await settle(day)
      await answer(day)
    }
    await settle(day)
    assert.deepEqual(await store.check(), [], `${where}: after the next start`)
    const all = await store.tasks.list({ limit: 100 })
    for (const [prompt, id] of told.made) {
      const task = all.find((each) => each.id === id)
      assert.ok(task !== undefined, `${where}: ${prompt} is lost`)
      const ends: readonly TaskState[] = prompt === 'no more' ? ['done', 'cancelled'] : ['done']
      assert.ok(ends.includes(task.state), `${where}: ${prompt} is ${task.state} (${task.blockedReason ?? task.lastError})`)
      assert.equal(new Set(task.runIds).size, task.runIds.length, `${where}: ${prompt} has a turn twice`)
      const session = await store.sessions.find(task.sessionKey)
      const lines = session === null ? [] : await store.sessions.tail(session.id, { limit: 100 })
      assert.equal(lines.filter(({ message }) => message.role === 'user').length, task.runIds.length, `${where}: ${prompt} has turns that are not its own`)
    }
    assert.ok(told.outside.done.length <= 1, `${where}: sent ${told.outside.done.length} times`)
  } finally {
    await cara.crash()
  }
}

export const taskDay: Life<Told> = { live, assertWhole }
