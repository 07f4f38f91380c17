/**
 * A day of errands: messages that arrive, that are sent again, that die and are sent after all or dropped, and jobs by the hour whose answers are sent. Whichever of its writes fails: nothing
 * that was accepted is lost, nothing arrives twice without a mark, and each instant runs once or says why not.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDestinations } from '../../src/channels/create-destinations.ts'
import type { Messages, OutgoingMessage } from '../../src/contracts/destination.ts'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { textOf } from '../../src/contracts/message.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Job, JobRun } from '../../src/contracts/schedule.ts'
import { Secret } from '../../src/contracts/secret.ts'
import type { Database, Store } from '../../src/contracts/store.ts'
import { createAnnouncer } from '../../src/gateway/announce.ts'
import { createOutboxDesk, type OutboxDesk } from '../../src/gateway/outbox/outbox-desk.ts'
import { Outbox } from '../../src/gateway/outbox/outbox.ts'
import { guardDestinations } from '../../src/guard/guarded-messages.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { messageSend } from '../../src/tools/message-send.ts'
import type { ManualClock } from '../doubles/manual-clock.ts'
import { turnedClock, type TurnedClock } from '../doubles/open-outbox.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { byOwner, scheduledGateway, type ScheduledGateway } from '../doubles/scheduled-gateway.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import type { Life, Place } from './fail-each-write.ts'
import { failingDatabase } from './failing-database.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const PATIENCE_MS = 10_000
const WAIT_MS = 3000
const MARK = '(possibly a repeat)\n'
/** What the receiver answers the first time, instead of taking it. */
const FIRST_ANSWERS: Readonly<Record<string, number>> = { busy: 503, closed: 404, gone: 404 }
const LETTERS = ['plain', ...Object.keys(FIRST_ANSWERS)]

/** What holds beyond the process. */
interface Told {
  readonly time: TurnedClock
  readonly receiver: Receiver
  /** By `nameOf`. */
  readonly accepted: Set<string>
  /** The owner is shown them. */
  readonly dead: Set<string>
  /** As often as they had arrived when the owner gave them up. */
  readonly dropped: Map<string, number>
  readonly turns: Map<string, string | null>
  /** As they were seen, by job and instant; those that are not kept any more, too. */
  readonly runs: Map<string, JobRun>
  readonly turnsOf: Map<string, Set<string>>
  /** Until when everything that was due has been looked at. */
  lookedAt: number
}

interface Receiver {
  readonly fetch: EgressFetch
  /** What was taken, in order: marked or not. */
  readonly taken: { readonly name: string; readonly isMarked: boolean }[]
  /** Takes what comes late. */
  isOpen: boolean
}

interface Errands {
  readonly cara: ScheduledGateway
  readonly store: Store
  readonly outbox: Outbox
  readonly desk: OutboxDesk
  readonly told: Told
  readonly patienceMs: number
}

/** Where a receiver knows keys, by its key; each text is sent to the other one once. */
const nameOf = ({ to, key, text }: Pick<OutgoingMessage, 'to' | 'key' | 'text'>) => (to === 'keyed' ? key : text)

function countingReceiver(): Receiver {
  const tried = new Set<string>()
  const receiver: Receiver = {
    taken: [],
    isOpen: false,
    async fetch({ headers, body }) {
      const written = String(JSON.parse(String(body)).text)
      const isMarked = written.startsWith(MARK)
      const name = headers['webhook-id'] ?? (isMarked ? written.slice(MARK.length) : written)
      const status = tried.has(name) ? 200 : name === 'late' && !receiver.isOpen ? 503 : (FIRST_ANSWERS[name] ?? 200)
      if (name !== 'late') tried.add(name)
      if (status === 200) receiver.taken.push({ name, isMarked })
      return { status, headers: {}, body: (async function* () {})() }
    },
  }
  return receiver
}

const timesTaken = ({ receiver }: Told, name: string) => receiver.taken.filter((post) => post.name === name).length

/** In order; what an earlier one could not do, a later one does not find. */
const steps: readonly (readonly [name: string, run: (day: Errands) => Promise<unknown>])[] = [
  ['sends letters', (day) => send(day, `Send these to chat: ${LETTERS.join(', ')}`)],
  ['waits until they have left', drain],
  ['sends a dead one again', (day) => decide(day, 'closed', (id) => day.desk.retry([id], 'owner'))],
  ['waits until it has left', drain],
  [
    'gives one up',
    (day) =>
      decide(day, 'gone', async (id) => {
        const times = timesTaken(day.told, 'gone')
        await day.desk.drop([id], 'owner')
        day.told.dropped.set('gone', times)
      }),
  ],
  ['sets up a job by the hour', ({ cara }) => cara.jobs.add({ name: 'hourly', prompt: 'hourly', schedule: { cron: '0 * * * *' }, deliver: 'keyed' }, byOwner)],
  ['sets up one that runs once', ({ cara }) => cara.jobs.add({ name: 'once', prompt: 'once', schedule: { at: '90m' } }, byOwner)],
  ['is in the first hour', hour],
  ['pauses a job', ({ cara }) => cara.jobs.pause('once')],
  ['goes on with it', ({ cara }) => cara.jobs.resume('once', byOwner)],
  ['is in the second hour', hour],
  ['is in the third hour', hour],
  ['changes a job', ({ cara }) => cara.jobs.update('hourly', { prompt: 'hourly again' }, byOwner)],
  ['is in the fourth hour', hour],
  ['takes a job away', ({ cara }) => cara.jobs.remove('once')],
  ['sends a letter that does not leave that day', (day) => send(day, 'Send this to chat: late')],
]

async function send(day: Errands, text: string): Promise<void> {
  const { cara, told, patienceMs } = day
  const parts = [{ type: 'text', text, origin: OWNER }] as const
  const message = { door: 'test', sender: { kind: 'owner' }, sessionKey: 'letters', parts, idempotencyKey: text, options: {} } as const
  const { turnId } = await cara.gateway.gateway.submit(message)
  told.turns.set(turnId, null)
  const end = await turning(
    day,
    cara.gateway.gateway.waitOrAsked(turnId, AbortSignal.timeout(patienceMs)).catch(() => []),
  )
  if ('turnId' in end && end.status === 'completed') told.turns.set(turnId, end.text)
}

/** The clock of the outbox goes on while somebody waits. */
async function turning<T>({ told }: Pick<Errands, 'told'>, work: Promise<T>): Promise<T> {
  let isOver = false
  const over = work.finally(() => (isOver = true)).catch(() => undefined)
  for (;;) {
    await Promise.race([over, sleep(20)])
    if (isOver) return work
    await told.time.advance(1000)
  }
}

async function drain({ store, told }: Pick<Errands, 'store' | 'told'>): Promise<void> {
  for (let tries = 0; tries < 300 && (await store.outbox.heads()).length > 0; tries++) {
    await sleep(2)
    await told.time.advance(1000)
  }
}

async function decide({ store, desk, told }: Errands, text: string, word: (id: string) => Promise<unknown>): Promise<void> {
  for (const { id } of await store.outbox.list({ status: 'dead', limit: 10 })) {
    if (!(await desk.get(id)).texts.includes(text)) continue
    told.dead.add(text)
    await word(id)
    if (!told.dropped.has(text)) told.dead.delete(text)
  }
}

/** The hour strikes; half a minute later everything has been looked at. */
async function hour(day: Errands): Promise<void> {
  const { cara, told } = day
  const now = cara.clock.now()
  cara.pass(HOUR_MS - (now % HOUR_MS) + MINUTE_MS / 2)
  await lookAround(day)
  told.lookedAt = cara.clock.now()
}

async function lookAround(day: Errands): Promise<void> {
  const { cara, store, patienceMs } = day
  for (const startedAt = performance.now(); performance.now() - startedAt < patienceMs;) {
    await cara.look()
    await see(day)
    if ((await store.jobs.running()).length === 0 && (await store.jobs.due(cara.clock.now())).length === 0) return drain(day)
    await sleep(10)
    await day.told.time.advance(0)
  }
}

async function see({ cara, told }: Errands): Promise<void> {
  for (const run of await cara.jobs.runs({ limit: 1000 })) note(told, run)
}

function note({ runs, turnsOf }: Told, run: JobRun): void {
  const name = `${run.jobId}:${run.dueAt}`
  runs.set(name, run)
  if (run.turnId !== null) turnsOf.set(name, (turnsOf.get(name) ?? new Set()).add(run.turnId))
}

async function begin(
  place: Place,
  folder: string,
  clock: ManualClock,
  told: Told,
  wrap: (database: Database) => Database,
  patienceMs: number,
): Promise<Errands> {
  const opened = await place.open()
  await migrate(opened)
  const database = wrap(opened)
  const store = storeOver(database)
  const { log } = recordedLog()
  const section = {
    chat: { url: new Secret('http://127.0.0.1:9/chat'), format: 'slack' },
    keyed: { url: new Secret('http://127.0.0.1:9/keyed'), format: 'json' },
  } as const
  const destinations = createDestinations(section, { fetch: told.receiver.fetch, clock: told.time, log })
  const shared = { store: store.outbox, clock: told.time }
  const outbox = new Outbox({
    ...shared,
    destinations: guardDestinations(destinations, createSecretRegistry(), [], () => undefined),
    audit: { note: () => undefined },
    log,
    owner: `run_${Math.random()}`,
    random: () => 0.5,
  })
  const messages: Messages = {
    destinations: outbox.destinations,
    async accept(message) {
      const accepted = await outbox.accept(message)
      told.accepted.add(nameOf(message))
      return accepted
    },
  }
  const cara = await scheduledGateway({
    providers: [
      scriptedProvider('fake', (request) => {
        const asked = textOf(request.messages.findLast(({ role }) => role === 'user') ?? { role: 'user', parts: [] })
        const [, texts] = /^Send th\w+ to chat: (.*)$/.exec(asked) ?? []
        if (texts === undefined || request.messages.at(-1)?.role === 'tool') return says(`${asked}: done`)
        return calls(...texts.split(', ').map((text) => ['message_send', { to: 'chat', text }] as const))
      }),
    ],
    tools: [messageSend(messages)],
    folder,
    clock,
    openStore: async () => store,
    destinations: ['keyed'],
    cron: { keepRuns: 2 },
    announce: (announcement) => createAnnouncer(messages, cara.gateway.audit, clock).announce(announcement),
  })
  cara.work.add((event) => event.kind === 'job' && event.run !== null && note(told, event.run))
  await outbox.start(database.isShared)
  const desk = createOutboxDesk({ ...shared, outbox, audit: cara.gateway.audit })
  return { cara, store, outbox, desk, told, patienceMs }
}

async function end({ cara, outbox, told }: Errands): Promise<void> {
  const closing = outbox.close(0)
  await told.time.advance(0)
  await closing
  await cara.crash()
}

const live: Life<Told>['live'] = async (place, folder, clock, failsAt, isWhole) => {
  let tried = 0
  const told: Told = {
    time: turnedClock(clock.now()),
    receiver: countingReceiver(),
    accepted: new Set(),
    dead: new Set(),
    dropped: new Map(),
    turns: new Map(),
    runs: new Map(),
    turnsOf: new Map(),
    lookedAt: clock.now(),
  }
  const failing = (database: Database) => failingDatabase(database, () => failsAt(++tried))
  const open = () => begin(place, folder, clock, told, failing, isWhole ? 6 * PATIENCE_MS : WAIT_MS)
  let day = await open()
  try {
    try {
      await day.cara.start()
    } catch (error) {
      assert.ok(error instanceof AppError, `the start: ${String(error)}`)
      await end(day)
      day = await open()
      await day.cara.start()
    }
    for (const [name, run] of steps) {
      try {
        await run(day)
      } catch (error) {
        // A fault has a name. Anything else is a defect.
        assert.ok(error instanceof AppError, `${name}: ${String(error)}`)
      }
    }
    assert.deepEqual(await day.store.check(), [], 'before the next start')
  } finally {
    await end(day)
  }
  return { tried, told }
}

const assertWhole: Life<Told>['assertWhole'] = async (place, folder, clock, told, where) => {
  told.receiver.isOpen = true
  // What the dead one held has lapsed; the next hour has not come.
  clock.advance(10 * MINUTE_MS)
  await told.time.advance(MINUTE_MS)
  const day = await begin(place, folder, clock, told, (database) => database, PATIENCE_MS)
  const { cara, store } = day
  try {
    assert.deepEqual(await store.check(), [], `${where}: as it was left`)
    await cara.gateway.recover()
    await cara.start()
    for (const { turnId } of await store.turns.unfinished()) {
      const ended = cara.gateway.gateway.waitOrAsked(turnId, AbortSignal.timeout(PATIENCE_MS)).catch(() => [])
      assert.ok('turnId' in (await turning(day, ended)), `${where}: a turn that does not end`)
    }
    await lookAround(day)
    await drain(day)
    assert.deepEqual(await store.turns.unfinished(), [], where)
    assert.deepEqual(await store.check(), [], `${where}: after the next start`)
    for (const [turnId, text] of told.turns) {
      const result = await store.turns.result(turnId)
      if (text !== null) assert.deepEqual([result?.status, result?.text], ['completed', text], where)
    }
    for (const { id } of await store.outbox.list({ status: 'dead', limit: 10 })) for (const text of await store.outbox.texts(id)) told.dead.add(text)
    assertLetters(told, where)
    for (const job of await store.jobs.list()) await assertRuns(day, job, where)
  } finally {
    await end(day)
  }
}

function assertLetters(told: Told, where: string): void {
  for (const name of told.accepted) assert.ok(told.dead.has(name) || timesTaken(told, name) > 0, `${where}: ${name} was accepted and is lost`)
  for (const [name, times] of told.dropped) assert.equal(timesTaken(told, name), times, `${where}: ${name} was given up`)
  for (const name of [...LETTERS, 'late']) {
    const taken = told.receiver.taken.filter((post) => post.name === name)
    assert.ok(taken.filter(({ isMarked }) => !isMarked).length <= 1, `${where}: ${name} arrived again without a mark`)
    assert.ok(taken.length <= 2, `${where}: ${name} arrived ${taken.length} times`)
  }
}

async function assertRuns({ store, told }: Errands, job: Job, where: string): Promise<void> {
  const due: number[] = []
  if (job.name === 'hourly') for (let at = job.createdAt - (job.createdAt % HOUR_MS) + HOUR_MS; at <= told.lookedAt; at += HOUR_MS) due.push(at)
  else if (job.schedule.kind === 'at' && job.schedule.at <= told.lookedAt) due.push(job.schedule.at)
  const runs = due.map((at) => {
    const name = `${job.id}:${at}`
    assert.ok((told.turnsOf.get(name)?.size ?? 0) <= 1, `${where}: ${name} ran twice`)
    const run = told.runs.get(name)
    assert.ok(run, `${where}: ${name} is lost`)
    // What is not kept any more has ended.
    const status = at <= job.closedUntil && (run.status === 'running' || run.status === 'sending') ? 'ok' : run.status
    const isTold = job.deliver === null || timesTaken(told, `cron:${name}`) > 0 || run.note?.startsWith('not sent')
    if (status === 'ok') assert.ok(isTold, `${where}: ${name} was not told`)
    else assert.ok(run.note, `${where}: ${name} is ${status} for no reason`)
    return { status, note: run.note }
  })
  // One write costs one of them at most.
  assert.ok(runs.filter(({ status }) => status !== 'ok').length <= 1, `${where}: ${runs.map(({ status, note: why }) => `${status} (${why})`).join()}`)
  const session = await store.sessions.find(job.sessionKey)
  const lines = session === null ? [] : await store.sessions.tail(session.id, { limit: 100 })
  assert.ok(lines.filter(({ message }) => message.role === 'user').length <= due.length, `${where}: more turns than instants`)
}

export const errands: Life<Told> = { live, assertWhole }
