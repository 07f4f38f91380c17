/**
 * A long day of a gateway: turns that read, write, ask, are allowed, denied, refused, cancelled and not answered; undo, titles, summaries, devices, standing words, forgetting, deleting. Whatever
 * engine it stands on, each of its writes fails once; then everything must hold that has to hold, before the next start and after it.
 */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../../src/contracts/approval.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { textOf } from '../../src/contracts/message.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Database } from '../../src/contracts/store.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import type { ManualClock } from '../doubles/manual-clock.ts'
import { outsideTools } from '../doubles/outside-tools.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../doubles/test-gateway.ts'
import type { Life, Place } from './fail-each-write.ts'
import { failingDatabase, type Failure } from './failing-database.ts'

const DAY_MS = 86_400_000
const PATIENCE_MS = 10_000
/** For a turn that may stand behind one that waits. */
const WAIT_MS = 3000
const LIMITS = { conversationDays: 300, messageDays: 200, turnDays: 90, statelessDays: 7, usageDays: 90, refusalDays: 90, approvalDays: 90 }

interface Day {
  readonly patienceMs: number
  readonly cara: TestGateway
  readonly folder: string
  /** Turns of which somebody was told that they are accepted, and with which text they were said to have ended. */
  readonly told: Map<string, string | null>
}

const allow = (unlock: 'once' | 'always') => ({ decision: 'allow', unlock }) as const

/** In order; what an earlier one could not do, a later one does not find. */
const steps: readonly (readonly [name: string, run: (day: Day) => Promise<unknown>])[] = [
  ['reads, remembers and writes a file', (day) => turn(day, 'work', 'main', allow('once'))],
  ['is allowed for good', (day) => turn(day, 'run', 'main', allow('always'))],
  ['is denied', (day) => turn(day, 'send', 'main', { decision: 'deny' })],
  ['is refused', (day) => turn(day, 'pay', 'main')],
  ['goes on beside it', (day) => turn(day, 'hello', 'aside')],
  ['answers alone', (day) => turn(day, 'hello', null)],
  [
    'takes a write back',
    async ({ cara }) => {
      for (const { id, undoneAt } of await cara.undo.list({ limit: 10 })) if (undoneAt === null) await cara.undo.apply(id, { force: true })
    },
  ],
  ['is named', ({ cara }) => cara.gateway.store.sessions.rename('main', { title: 'A day' })],
  [
    'is summarised',
    async ({ cara }) => {
      const { sessions } = cara.gateway.store
      const session = await sessions.find('main')
      const [line] = await sessions.tail(session?.id ?? '', { limit: 1 })
      const taint = { untrusted: true, private: true }
      if (session !== null && line !== undefined)
        await sessions.saveSummary(session.id, { coversUntil: line.id, text: 'so far', tokens: 2, taint }, cara.clock.now())
    },
  ],
  [
    'takes a standing word back',
    async ({ cara }) => {
      for (const { id } of await cara.gateway.approvals.grants()) await cara.gateway.approvals.revoke(id, { by: 'owner', door: 'test' })
    },
  ],
  [
    'admits a machine, sees it and sends it away',
    async ({ cara }) => {
      const { devices } = cara.gateway.store
      const now = cara.clock.now()
      const dates = { tokenExpiresAt: null, claimUntil: now + 1000, createdAt: now, lastUsedAt: null, revokedAt: null }
      await devices.save({ id: 'd', publicKey: 'k', name: 'n', scopes: ['operator.read'], tokenHash: null, approvedBy: 'owner', version: 0, ...dates }, [])
      await devices.touch('d', now)
      await devices.remove('d')
    },
  ],
  [
    'gets no answer in time',
    async (day) => {
      await turn(day, 'run', 'main')
      await day.cara.clock.sleep(DAY_MS, AbortSignal.timeout(PATIENCE_MS))
      await day.cara.expire()
    },
  ],
  [
    'is cancelled while it waits',
    async (day) => {
      await turn(day, 'run', 'aside')
      await day.cara.gateway.abort({ sessionKey: 'aside' }, 'enough')
    },
  ],
  [
    'forgets',
    async ({ cara }) => {
      for (const days of [120, 150, 200]) {
        await cara.clock.sleep(days * DAY_MS, AbortSignal.timeout(PATIENCE_MS))
        for await (const _ of cara.gateway.store.forgetOld(LIMITS, cara.clock.now()));
      }
    },
  ],
  ['begins again', ({ cara }) => cara.gateway.store.sessions.reset('main', cara.clock.now())],
  ['talks once more', (day) => turn(day, 'hello', 'main')],
  ['is deleted', ({ cara }) => cara.gateway.store.sessions.delete('main')],
]

/** Sends it and goes through what is asked, as far as somebody answers. */
async function turn({ cara, told, patienceMs }: Day, text: string, sessionKey: string | null, answer?: Omit<Answer, 'hash'>): Promise<void> {
  const parts = [{ type: 'text', text, origin: OWNER }] as const
  const message = { door: 'test', sender: { kind: 'owner' }, sessionKey, parts, idempotencyKey: `${text} ${told.size}`, options: {} } as const
  const { turnId } = await cara.gateway.submit(message)
  told.set(turnId, null)
  for (;;) {
    // Behind one that waits for the owner, who was told that his answer could not be kept.
    const end = await cara.gateway.waitOrAsked(turnId, AbortSignal.timeout(patienceMs)).catch(() => [])
    if ('turnId' in end) {
      if (end.status === 'completed') told.set(turnId, end.text)
      return
    }
    if (answer === undefined || end.length === 0) return
    // He says it again.
    await cara.answer(end, answer).catch(() => cara.answer(end, answer))
  }
}

/** The day, with a database that fails where `failsAt` says; how many writes were tried. */
async function live(
  place: Place,
  folder: string,
  clock: ManualClock,
  failsAt: (write: number) => Failure | null,
  isWhole: boolean,
): Promise<{ readonly tried: number; readonly told: Day['told'] }> {
  const patienceMs = isWhole ? 6 * PATIENCE_MS : WAIT_MS
  let tried = 0
  const cara = await gatewayOver(place, folder, clock, (database) =>
    failingDatabase(database, (write) => {
      tried = write
      return failsAt(write)
    }),
  )
  const told: Day['told'] = new Map()
  try {
    for (const [name, run] of steps) {
      try {
        await run({ cara, folder, told, patienceMs })
      } catch (error) {
        // A fault has a name. Anything else is a defect.
        assert.ok(error instanceof AppError, `${name}: ${String(error)}`)
      }
    }
    assert.deepEqual(await cara.gateway.store.check(), [], 'before the next start')
  } finally {
    await cara.crash()
  }
  return { tried, told }
}

async function gatewayOver(place: Place, folder: string, clock: ManualClock, wrap: (database: Database) => Database): Promise<TestGateway> {
  await mkdir(join(folder, 'files'), { recursive: true })
  return testGateway({
    providers: [
      scriptedProvider('fake', (request) => {
        const asked = textOf(request.messages.findLast(({ role }) => role === 'user') ?? { role: 'user', parts: [] })
        if (request.messages.at(-1)?.role === 'tool') return says(`${asked}: done`)
        if (asked.includes('work'))
          return calls(['read_mail', {}], ['memory_write', { key: 'k', value: 'v' }], ['file_write', { path: join(folder, 'files', 'a.txt'), content: 'new' }])
        if (asked.includes('run')) return calls(['run_program', { argument: 'x' }])
        if (asked.includes('send')) return calls(['send_mail', { to: 'mallory@evil.example', text: 'x' }])
        return asked.includes('pay') ? calls(['pay', { account: 'DE00' }]) : says(`${asked}: done`)
      }),
    ],
    tools: outsideTools().tools,
    toolPolicy: { policy: 'deny-list', list: ['pay'] },
    filesystem: { roots: [join(folder, 'files')], writeAccess: true },
    folder,
    clock,
    openStore: async () => {
      const database = await place.open()
      await migrate(database)
      return storeOver(wrap(database))
    },
  })
}

/** After the next start, on a database that works. */
async function assertWhole(place: Place, folder: string, clock: ManualClock, told: Day['told'], where: string): Promise<void> {
  // Where others share the store, what the dead one held is free when its leases have lapsed.
  clock.advance(DAY_MS)
  const cara = await gatewayOver(place, folder, clock, (database) => database)
  try {
    const { store } = cara.gateway
    assert.deepEqual(await store.check(), [], `${where}: as it was left`)
    await cara.recover()
    for (const { turnId } of await store.turns.unfinished()) {
      // One that waits for the owner is nobody's where gateways share the store.
      const end = await cara.gateway.waitOrAsked(turnId, AbortSignal.timeout(PATIENCE_MS)).catch(() => [])
      if (!('turnId' in end)) await cara.gateway.abort({ turnId }, 'nobody answers')
      for (let tries = 0; tries < 500 && (await store.turns.open(turnId)) !== null; tries++) await sleep(10)
    }
    assert.deepEqual(await store.turns.unfinished(), [], where)
    assert.deepEqual(await store.check(), [], `${where}: after the next start`)
    for (const [turnId, text] of told) {
      const result = await store.turns.result(turnId)
      // What was deleted or forgotten since is gone as a whole, and the check above has seen to the rest.
      if (text !== null && result !== null) assert.deepEqual([result.status, result.text], ['completed', text], where)
    }
  } finally {
    await cara.crash()
  }
}

export const longDay: Life<Day['told']> = { live, assertWhole }
